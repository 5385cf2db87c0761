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
from controlplane.compile.clusters import NOWHERE
from controlplane.compile.halves import route_steps, unasked_steps
from controlplane.compile.listener import BUFFER, whole_bodies
from controlplane.compile.streams import streams
from controlplane.encoding import field
from controlplane.memo import Memo
from controlplane.model.gateway import Route
from controlplane.plan.plan import Plan, PlannedRoute, Preflight, besides
from controlplane.snapshot import ROUTES, Subject
from controlplane.tables import HOST, ROUTE
from language.hosts import HOST_REGEX
from language.matches import How, TextMatch
from language.paths import PathPattern
from language.places import Place
from policies import PREFLIGHTS
from policies.contract import Action, RouteFacts
from policies.cors.spec import KEY as CORS
from policies.respond.spec import BODY_BYTES
from policies.stream.envoy import unending

NO_HOST = "h-none"
"""The rule of what is answered 400 because its Host is none."""

_REQUESTED = "access-control-request-method"

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
            if isinstance(entry, PlannedRoute):
                made, places[subject] = memo(_entry, entry, streaming)
                parts.append(made)
                continue
            places[subject] = entry.places
            if isinstance(entry, Preflight):
                parts.append(memo(_preflight, entry))
            else:
                parts.append(memo(_not_allowed, entry.rule, entry.path, entry.allow))
        hosts.append(field(HOST, b"".join(parts)))
    places[Subject(ROUTES, name)] = tuple(p for h in plan.hosts for p in h.places)
    # in the order of the numbers of the fields, as protobuf writes them
    named = _bytes(RouteConfiguration(name=name))
    return b"".join((named, *hosts, _bytes(table))), places


def called(plan: Plan) -> frozenset[str]:
    """The clusters that the table names: a target of weight 0 is in none."""
    found: set[str] = set()
    for entry in (e for h in plan.hosts for e in h.entries):
        if isinstance(entry, Preflight) and entry.route is not None:
            found.add(NOWHERE)
        elif isinstance(entry, PlannedRoute) and not entry.held:
            found.update(name for name, _ in _targets(entry.route))
            found.update(besides(entry))
    return frozenset(found)


def _targets(route: Route) -> list[tuple[str, int]]:
    """The backends that a route forwards to, with their weights."""
    if route.action is not Action.FORWARD:
        return []
    return [(name, weight) for name, weight in (route.match.to or {}).items() if weight]


def _entry(planned: PlannedRoute, streaming: frozenset[str]) -> tuple[bytes, tuple[Place, ...]]:
    """A route, serialized as a part of its host, and its lines."""
    made = b"".join(field(ROUTE, _bytes(one)) for one in _routes(planned, streaming))
    return made, (planned.route.place, *(s.place for s in planned.settings))


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def _routes(planned: PlannedRoute, streaming: frozenset[str]) -> Iterator[pb.Route]:
    if planned.held:
        yield _held(planned)
        return
    if planned.unanswered:  # its policy would answer them: they go where it does without
        for one in _made(planned, streaming, frozenset({CORS})):
            _match_preflight(one.match)
            yield one
    yield from _made(planned, streaming)


def _made(
    planned: PlannedRoute, streaming: frozenset[str], without: frozenset[str] = frozenset()
) -> tuple[pb.Route, ...]:
    """A route with its policies, but for those of some keys."""
    facts = _facts(planned, streaming)
    made: tuple[pb.Route, ...] = (_bare(planned, stream=facts.stream),)
    steps = route_steps()
    asked = {setting.key for setting in planned.settings}
    for key, unasked in unasked_steps().items():
        if key not in asked:
            unasked(made[0])
    for setting in planned.settings:
        step = steps.get(setting.key)
        if step is not None and setting.key not in without:
            made = tuple(r for one in made for r in step(setting.value, facts, one))
    return made


def _facts(planned: PlannedRoute, streaming: frozenset[str]) -> RouteFacts:
    route = planned.route
    return RouteFacts(
        path=route.path,
        methods=route.match.methods,
        grpc=route.match.grpc is not None,
        stream=streams(planned, streaming),
        targets=tuple(route.match.to or ()),
    )


def _bare(planned: PlannedRoute, *, stream: bool) -> pb.Route:
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
        if stream:
            unending(out)
        else:
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
    host.string_match.safe_regex.regex = HOST_REGEX
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


def _preflight(entry: Preflight) -> bytes:
    """What answers preflights: Envoy's CORS filter, which wants an action to a cluster behind it.

    What that filter leaves alone, as its origin is another, goes nowhere and is 403.
    """
    out = pb.Route(name=entry.rule)
    _match_path(entry.path, out.match)
    _match_preflight(out.match, entry.methods, entry.others)
    if entry.route is None:
        out.direct_response.status = 403
        out.direct_response.body_format.CopyFrom(problem("Forbidden", 403))
        return field(ROUTE, _bytes(_unasked(out)))
    out.route.cluster = NOWHERE
    facts = _facts(entry.route, frozenset())
    for setting in entry.route.settings:
        if setting.key in PREFLIGHTS and setting.value is not None:
            (out,) = route_steps()[setting.key](setting.value, facts, out)
    return field(ROUTE, _bytes(_unasked(out)))


def _match_preflight(
    match: pb.RouteMatch, methods: tuple[str, ...] = (), others: tuple[str, ...] = ()
) -> None:
    """What makes a request a preflight (Fetch), with one of these methods or none of the others."""
    match.headers.add(name=":method").string_match.exact = "OPTIONS"
    match.headers.add(name="origin").string_match.safe_regex.regex = ".+"
    requested = match.headers.add(name=_REQUESTED).string_match
    if len(methods) == 1:
        requested.exact = methods[0]
    else:
        requested.safe_regex.regex = "|".join(_escaped(m) for m in methods) or ".+"
    for method in others:
        unlike = match.headers.add(name=_REQUESTED, invert_match=True)
        unlike.string_match.exact = method


def _unasked(route: pb.Route) -> pb.Route:
    """A route of the gateway itself, with what the policies put on every one."""
    for step in unasked_steps().values():
        step(route)
    return route
