"""Virtual hosts and their routes as one RouteConfiguration, in the order of the plan."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TypeVar

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from controlplane.compile.answers import problem
from controlplane.compile.halves import route_steps, unasked_steps
from controlplane.compile.listener import BUFFER, whole_bodies
from controlplane.encoding import field
from controlplane.memo import Memo
from controlplane.model.gateway import Route
from controlplane.plan.plan import Entry, MethodNotAllowed, Plan, PlannedRoute
from controlplane.snapshot import ROUTES, Subject
from controlplane.tables import HOST, ROUTE
from language.matches import How, TextMatch
from language.paths import PathPattern
from language.places import Place
from policies.contract import Action, RouteFacts
from policies.respond.spec import BODY_BYTES

T = TypeVar("T")

NO_HOST = "h-none"
"""The rule of what is answered 400 because its Host is none."""

_HOST = r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?"
"""Names, IPv4 and bracketed IPv6 addresses, with or without a port (RFC 3986 section 3.2.2)."""

_STREAMING = frozenset({"grpc", "grpcs"})
"""Backends whose request bodies are streams, and are not held back until they end."""


def route_configuration(
    name: str, plan: Plan, memo: Memo
) -> tuple[bytes, Mapping[Subject, tuple[Place, ...]]]:
    """The whole table, serialized, and the lines of each virtual host and route.

    It is put together of serialized routes: to make them is most of what compiling costs, and
    between two saves most of them stay what they are.
    """
    streaming = streaming_backends(plan)
    places: dict[Subject, tuple[Place, ...]] = {}
    hosts: list[bytes] = []
    for planned in plan.hosts:
        parts = [serialized(pb.VirtualHost(name=planned.name, domains=planned.domains))]
        if any(domain.startswith("*") for domain in planned.domains):
            parts.append(memo(_no_host_fields))
            places[Subject(ROUTES, name, f"{planned.name}/{NO_HOST}")] = planned.places
        places[Subject(ROUTES, name, planned.name)] = planned.places
        for entry in planned.entries:
            made, lines = of_entry(_fields, entry, streaming, memo)
            parts.append(made)
            places[Subject(ROUTES, name, f"{planned.name}/{entry.rule}")] = lines
        hosts.append(field(HOST, b"".join(parts)))
    places[Subject(ROUTES, name)] = tuple(p for h in plan.hosts for p in h.places)
    return table_of(RouteConfiguration(name=name), hosts), places


def table_of(bare: RouteConfiguration, hosts: Iterable[bytes]) -> bytes:
    """Put a table together of its serialized hosts and the rest of it, its name first."""
    named = RouteConfiguration(name=bare.name)
    others = RouteConfiguration()
    others.CopyFrom(bare)
    others.ClearField("name")
    others.max_direct_response_body_size_bytes.value = BODY_BYTES
    others.ignore_port_in_host_matching = True
    others.validate_clusters.value = False  # clusters come first on the stream; the gate proves it
    # in the order of the numbers of the fields, as protobuf writes them
    return b"".join((serialized(named), *hosts, serialized(others)))


def streaming_backends(plan: Plan) -> frozenset[str]:
    """The backends to which bodies are streams."""
    return frozenset(b.key.text for b in plan.backends if b.protocol in _STREAMING)


def of_entry(
    make: Callable[[Iterator[pb.Route]], T],
    entry: Entry,
    streaming: frozenset[str],
    memo: Memo,
) -> tuple[T, tuple[Place, ...]]:
    """What is made of the routes that an entry becomes, and its lines; as before if it is the same.

    A 405 is a new object whenever a route of its host changes: its parts are not.
    """
    if isinstance(entry, MethodNotAllowed):
        return memo(_of_not_allowed, make, entry.rule, entry.path, entry.allow), entry.places
    return memo(_of_route, make, entry, streaming)


def _of_not_allowed(
    make: Callable[[Iterator[pb.Route]], T], rule: str, path: PathPattern, allow: tuple[str, ...]
) -> T:
    return make(iter((_not_allowed(rule, path, allow),)))


def _of_route(
    make: Callable[[Iterator[pb.Route]], T], planned: PlannedRoute, streaming: frozenset[str]
) -> tuple[T, tuple[Place, ...]]:
    lines = (planned.route.place, *(s.place for s in planned.settings))
    return make(_routes(planned, streaming)), lines


def _fields(routes: Iterator[pb.Route]) -> bytes:
    """Routes, serialized as a part of their host."""
    return b"".join(field(ROUTE, serialized(one)) for one in routes)


def called(entries: Iterable[Entry]) -> frozenset[str]:
    """The clusters that the routes of entries name: a target of weight 0 is in none."""
    planned = (e for e in entries if isinstance(e, PlannedRoute) and not e.held)
    return frozenset(name for one in planned for name, _ in _targets(one.route))


def _targets(route: Route) -> list[tuple[str, int]]:
    """The backends that a route forwards to, with their weights."""
    if route.action is not Action.FORWARD:
        return []
    return [(name, weight) for name, weight in (route.match.to or {}).items() if weight]


def serialized(message: Message) -> bytes:
    """The bytes of a message, the same in every process."""
    return message.SerializeToString(deterministic=True)


def _routes(planned: PlannedRoute, streaming: frozenset[str]) -> Iterator[pb.Route]:
    route = planned.route
    if planned.held:
        yield _held(planned)
        return
    made: tuple[pb.Route, ...] = (_bare(planned, streaming),)
    facts = RouteFacts(
        path=route.path, methods=route.match.methods, grpc=route.match.grpc is not None
    )
    steps = route_steps()
    asked = {setting.key for setting in planned.settings}
    for key, unasked in unasked_steps().items():
        if key not in asked:
            unasked(made[0])
    for setting in planned.settings:
        step = steps.get(setting.key)
        if step is not None:
            made = tuple(r for one in made for r in step(setting.value, facts, one))
    yield from made


def _bare(planned: PlannedRoute, streaming: frozenset[str]) -> pb.Route:
    """A route that matches and forwards, without policies."""
    route = planned.route
    out = pb.Route(name=planned.rule)
    _match_path(route.path, out.match)
    _match_conditions(route, out.match)
    if route.action is Action.FORWARD:
        targets = _targets(route)
        if len(targets) == 1:
            out.route.cluster = targets[0][0]
        else:
            for name, weight in targets:
                out.route.weighted_clusters.clusters.add(name=name).weight.value = weight
        if not all(name in streaming for name, _ in targets):
            out.typed_per_filter_config[BUFFER].CopyFrom(_whole_bodies())
    return out


@cache
def _whole_bodies() -> Any:
    packed = Any()
    packed.Pack(BufferPerRoute(buffer=whole_bodies()), deterministic=True)
    return packed


def _no_host_fields() -> bytes:
    return _fields(iter((no_host(),)))


def no_host() -> pb.Route:
    """Refuse what is no host, where a wildcard would take it (RFC 9112 section 3.2).

    One dot at the end is gone by now: a second would be another spelling of a guarded host.
    Envoy joins repeated Host headers by a comma; an exact domain is never one of these.
    """
    out = pb.Route(name=NO_HOST)
    out.match.prefix = "/"
    host = out.match.headers.add(name=":authority", invert_match=True)
    host.string_match.safe_regex.regex = _HOST
    out.direct_response.status = 400
    out.direct_response.body_format.CopyFrom(problem("Bad Request", 400))
    return unasked_on(out)


def _match_path(path: PathPattern, match: pb.RouteMatch) -> None:
    if not path.text_alone:
        match.safe_regex.regex = path.regex
    elif path.rest is None:
        match.path = path.literal
    elif path.literal:
        match.path_separated_prefix = path.literal
    else:
        match.prefix = "/"


def _match_conditions(route: Route, match: pb.RouteMatch) -> None:
    methods = route.match.methods
    if methods:
        method = match.headers.add(name=":method")
        if len(methods) == 1:
            method.string_match.exact = methods[0]
        else:
            method.string_match.safe_regex.regex = "|".join(_escaped(m) for m in methods)
    for name, wanted in route.match.headers.items():
        _compared(wanted, match.headers.add(name=name))
    for name, wanted in route.match.query.items():
        _compared(wanted, match.query_parameters.add(name=name))


def _compared(wanted: TextMatch, out: pb.HeaderMatcher | pb.QueryParameterMatcher) -> None:
    match wanted.how:
        case How.EXACT:
            out.string_match.exact = wanted.text
        case How.PREFIX:
            out.string_match.prefix = wanted.text
        case How.REGEX:
            out.string_match.safe_regex.regex = wanted.text
        case How.PRESENT | How.ABSENT:
            out.present_match = wanted.how is How.PRESENT


def _escaped(method: str) -> str:
    return "".join(c if c.isalnum() or c == "-" else f"\\{c}" for c in method)


def _held(planned: PlannedRoute) -> pb.Route:
    """What a route answers whose file is not served: nothing less specific may take its place."""
    out = pb.Route(name=planned.rule)
    _match_path(planned.route.path, out.match)
    _match_conditions(planned.route, out.match)
    out.direct_response.status = 503
    out.direct_response.body_format.CopyFrom(problem("Service Unavailable", 503))
    return unasked_on(out)


def _not_allowed(rule: str, path: PathPattern, allow: tuple[str, ...]) -> pb.Route:
    """What a path answers whose routes take none of the request's method."""
    out = pb.Route(name=rule)
    _match_path(path, out.match)
    for method in allow:
        unlike = out.match.headers.add(name=":method", invert_match=True)
        unlike.string_match.exact = method
    out.direct_response.status = 405
    out.direct_response.body_format.CopyFrom(problem("Method Not Allowed", 405))
    told = out.response_headers_to_add.add()
    told.append_action = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    told.header.key = "allow"
    told.header.value = ", ".join(allow)
    return unasked_on(out)


def unasked_on(route: pb.Route) -> pb.Route:
    """A route of the gateway itself, with what the policies put on every one."""
    for step in unasked_steps().values():
        step(route)
    return route
