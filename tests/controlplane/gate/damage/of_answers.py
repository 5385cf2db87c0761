"""Damage to what a route is not to take: upgrades, preflights about others, endless bodies."""

from collections.abc import Callable

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute

from controlplane.compile.listener import BUFFER
from controlplane.snapshot import Subject
from policies.cors.envoy import FILTER as CORS
from tests.controlplane.gate.damage.damage import Damage, in_host, in_route
from tests.controlplane.gate.damage.example import not_allowed, route
from tests.controlplane.gate.damage.layouts import written

USERS, ASKED = route("/users"), route("/asked", methods=())
LIVE, POSTED = route("/live", methods=("GET",)), route("/live", methods=("POST",))
UNALLOWED = not_allowed("/live")
_FORBIDDEN = 403

_Change = Callable[[pb.VirtualHost], None]


def _only(kept: Callable[[pb.Route], bool]) -> _Change:
    def change(one: pb.VirtualHost) -> None:
        routes = [r for r in one.routes if kept(r)]
        assert len(routes) < len(one.routes)
        del one.routes[:]
        one.routes.extend(routes)

    return change


def _rule(of: Subject) -> str:
    return of.part.partition("/")[2]


def _bars(one: pb.Route, of: Subject) -> bool:
    return one.name == _rule(of) and one.direct_response.status == _FORBIDDEN


def _unbarred(of: Subject) -> _Change:
    return _only(lambda one: not _bars(one, of))


def _of_the_bar(of: Subject, change: Callable[[pb.Route], object]) -> _Change:
    def inner(one: pb.VirtualHost) -> None:
        (found,) = (r for r in one.routes if _bars(r, of))
        change(found)

    return inner


def _but_for_websockets(one: pb.Route) -> None:
    unlike = one.match.headers.add(name="upgrade", invert_match=True).string_match
    unlike.exact, unlike.ignore_case = "websocket", True


def _of_some(one: pb.Route) -> None:
    one.match.headers.add(name="x-a").present_match = True


def _of_one_protocol(one: pb.Route) -> None:
    one.match.headers[-1].string_match.exact = "spdy/3.1"


def _of_others_paths(one: pb.Route) -> None:
    one.match.path = "/lively"


def _turned(of: Subject) -> _Change:
    """Turn the routes of a rule around."""

    def change(one: pb.VirtualHost) -> None:
        places = [n for n, r in enumerate(one.routes) if r.name == _rule(of)]
        copies = [pb.Route.FromString(one.routes[n].SerializeToString()) for n in places]
        assert len(copies) > 1
        for n, copy in zip(places, reversed(copies), strict=True):
            one.routes[n].CopyFrom(copy)

    return change


def _answers(one: pb.Route) -> bool:
    return CORS in one.typed_per_filter_config


def _some_alone(one: pb.Route) -> None:
    if not _answers(one):
        one.match.headers.add(name="x-a").present_match = True


def _about_one_method(one: pb.Route) -> None:
    if not _answers(one):
        one.match.headers[-1].string_match.exact = "PUT"


def _upgraded(one: pb.Route) -> None:
    if one.HasField("route"):
        one.route.upgrade_configs.add(upgrade_type="websocket").enabled.value = True


def _another_protocol(one: pb.Route) -> None:
    if one.HasField("route"):
        one.route.upgrade_configs.add(upgrade_type="spdy/3.1").enabled.value = True


def _buffer_lost(one: pb.Route) -> None:
    del one.typed_per_filter_config[BUFFER]


def _buffer_off(one: pb.Route) -> None:
    one.typed_per_filter_config[BUFFER].Pack(BufferPerRoute(disabled=True))


def _buffer_of(size: int) -> Callable[[pb.Route], None]:
    def change(one: pb.Route) -> None:
        settings = BufferPerRoute()
        settings.buffer.max_request_bytes.value = size
        one.typed_per_filter_config[BUFFER].Pack(settings)

    return change


_OF_ROUTES = (
    ("upgrades-let-through", POSTED, _upgraded),
    ("upgrades-of-another-protocol", LIVE, _another_protocol),
    ("preflights-of-others-answered-to-some", ASKED, _some_alone),
    ("preflights-of-others-answered-but-for-a-method", ASKED, _about_one_method),
    ("bodies-unbounded", USERS, _buffer_off),
    ("bodies-of-another-bound", USERS, _buffer_of(1 << 30)),
    ("bodies-of-streams-held", LIVE, _buffer_of(1 << 23)),
)

OF_ANSWERS = (
    *(Damage(name=n, apply=in_route(at, c), blamed=at) for n, at, c in _OF_ROUTES),
    Damage(
        name="bodies-unsaid",
        apply=in_route(USERS, _buffer_lost),
        blamed=USERS,
        plain_alone="what a page's route does not say is what the listener says: the same bound",
    ),
    Damage(
        name="preflights-of-others-answered",
        apply=in_host(ASKED, _only(lambda one: one.name != _rule(ASKED) or _answers(one))),
        blamed=ASKED,
    ),
    Damage(
        name="preflights-of-others-answered-first",
        apply=in_host(ASKED, _turned(ASKED)),
        blamed=ASKED,
    ),
    Damage(
        name="preflights-of-others-alone",
        apply=in_host(ASKED, _only(lambda one: one.name != _rule(ASKED) or not _answers(one))),
        blamed=ASKED,
    ),
)

_OF_BARS = (
    ("upgrades-let-in-by-a-page", POSTED, _unbarred(POSTED)),
    ("upgrades-let-in-to-no-route", UNALLOWED, _unbarred(UNALLOWED)),
    ("upgrades-let-in-of-one", POSTED, _of_the_bar(POSTED, _but_for_websockets)),
    ("upgrades-let-in-of-some", POSTED, _of_the_bar(POSTED, _of_some)),
    ("upgrades-let-in-elsewhere", POSTED, _of_the_bar(POSTED, _of_others_paths)),
    ("upgrades-let-in-too-late", POSTED, _turned(POSTED)),
    ("upgrades-refused-that-are-taken", LIVE, _of_the_bar(LIVE, _of_one_protocol)),
)

OF_BARS = tuple(
    Damage(name=n, apply=in_host(at, c), blamed=written(at.part)) for n, at, c in _OF_BARS
)
"""Damage to what keeps upgrades from the routes of a page."""
