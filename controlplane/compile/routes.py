"""Virtual hosts and their routes as one RouteConfiguration, in the order of the plan."""

from collections.abc import Iterator, Mapping
from functools import cache

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from controlplane.compile.answers import problem
from controlplane.compile.halves import forward_steps, route_steps, unasked_steps
from controlplane.compile.listener import BUFFER, whole_bodies
from controlplane.encoding import field
from controlplane.memo import Memo
from controlplane.model.gateway import Route
from controlplane.plan.forwarding import Forwarding, forwarding
from controlplane.plan.plan import MethodNotAllowed, Plan, PlannedRoute
from controlplane.snapshot import ROUTES, Subject
from controlplane.tables import HOST, ROUTE
from language.matches import How, TextMatch
from language.paths import PathPattern
from language.places import Place
from policies.contract import Action, RouteFacts
from policies.respond.spec import BODY_BYTES

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
    table = RouteConfiguration()
    table.max_direct_response_body_size_bytes.value = BODY_BYTES
    table.ignore_port_in_host_matching = True
    table.validate_clusters.value = False  # clusters come first on the stream; the gate proves it
    streaming = frozenset(b.key.text for b in plan.backends if b.protocol in _STREAMING)
    of_backends = forwarding(plan.backends)
    places: dict[Subject, tuple[Place, ...]] = {}
    hosts: list[bytes] = []
    for planned in plan.hosts:
        parts = [_bytes(pb.VirtualHost(name=planned.name, domains=planned.domains))]
        if any(domain.startswith("*") for domain in planned.domains):
            parts.append(memo(_no_host))
            places[Subject(ROUTES, name, f"{planned.name}/{NO_HOST}")] = planned.places
        places[Subject(ROUTES, name, planned.name)] = planned.places
        for entry in planned.entries:
            subject = Subject(ROUTES, name, f"{planned.name}/{entry.rule}")
            if isinstance(entry, MethodNotAllowed):
                parts.append(memo(_not_allowed, entry.rule, entry.path, entry.allow))
                places[subject] = entry.places
            else:
                made, places[subject] = memo(
                    _entry, entry, streaming, _asked_for(entry, of_backends)
                )
                parts.append(made)
        hosts.append(field(HOST, b"".join(parts)))
    places[Subject(ROUTES, name)] = tuple(p for h in plan.hosts for p in h.places)
    # in the order of the numbers of the fields, as protobuf writes them
    named = _bytes(RouteConfiguration(name=name))
    return b"".join((named, *hosts, _bytes(table))), places


def called(plan: Plan) -> frozenset[str]:
    """The clusters that the table names: a target of weight 0 is in none."""
    planned = (e for h in plan.hosts for e in h.entries if isinstance(e, PlannedRoute))
    return frozenset(name for one in planned if not one.held for name, _ in _targets(one.route))


def _targets(route: Route) -> list[tuple[str, int]]:
    """The backends that a route forwards to, with their weights."""
    if route.action is not Action.FORWARD:
        return []
    return [(name, weight) for name, weight in (route.match.to or {}).items() if weight]


def _asked_for(planned: PlannedRoute, of_backends: Mapping[str, Forwarding]) -> Forwarding:
    """What the backends of a route put on it: the same objects as long as nothing changes."""
    if not of_backends:
        return ()
    return next((of_backends[n] for n, _ in _targets(planned.route) if n in of_backends), ())


def _entry(
    planned: PlannedRoute, streaming: frozenset[str], asked: Forwarding
) -> tuple[bytes, tuple[Place, ...]]:
    """A route, serialized as a part of its host, and its lines."""
    made = b"".join(field(ROUTE, _bytes(one)) for one in _routes(planned, streaming, asked))
    return made, (planned.route.place, *(s.place for s in planned.settings))


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def _routes(
    planned: PlannedRoute, streaming: frozenset[str], asked_for: Forwarding
) -> Iterator[pb.Route]:
    route = planned.route
    if planned.held:
        yield _held(planned)
        return
    made: tuple[pb.Route, ...] = (_bare(planned, streaming),)
    for key, value in asked_for:
        forward_steps()[key](value, made[0].route)
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


def _no_host() -> bytes:
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
    return field(ROUTE, _bytes(_unasked(out)))


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
    return _unasked(out)


def _not_allowed(rule: str, path: PathPattern, allow: tuple[str, ...]) -> bytes:
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
    return field(ROUTE, _bytes(_unasked(out)))


def _unasked(route: pb.Route) -> pb.Route:
    """A route of the gateway itself, with what the policies put on every one."""
    for step in unasked_steps().values():
        step(route)
    return route
