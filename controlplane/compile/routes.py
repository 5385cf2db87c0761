"""Virtual hosts and their routes as one RouteConfiguration, in the order of the plan."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple, TypeAlias, TypeVar

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from controlplane.compile.answers import problem
from controlplane.compile.clusters import NOWHERE
from controlplane.compile.halves import forward_steps, route_steps, unasked_steps
from controlplane.compile.listener import BUFFER, whole_bodies
from controlplane.compile.matching import match_conditions, match_path, match_preflight
from controlplane.compile.standing import NO_HOST, held, no_host, not_allowed, unasked_on
from controlplane.compile.streams import streams
from controlplane.compile.targets import Targets, forwarded, targets_of
from controlplane.encoding import field
from controlplane.memo import Memo
from controlplane.model.gateway import Route, Setting
from controlplane.plan.forwarding import Forwarding
from controlplane.plan.plan import (
    Entry,
    MethodNotAllowed,
    Plan,
    PlannedRoute,
    Preflight,
    besides,
)
from controlplane.snapshot import ROUTES, Subject
from controlplane.tables import HOST, ROUTE
from language.paths import PathPattern
from language.places import Place
from policies import PREFLIGHTS
from policies.contract import Action, RouteFacts
from policies.cors.spec import KEY as CORS
from policies.respond.spec import BODY_BYTES
from policies.stream.envoy import unending

T = TypeVar("T")


def route_configuration(
    name: str, plan: Plan, memo: Memo
) -> tuple[bytes, Mapping[Subject, tuple[Place, ...]]]:
    """The whole table, serialized, and the lines of each virtual host and route.

    It is put together of serialized routes: to make them is most of what compiling costs, and
    between two saves most of them stay what they are.
    """
    targets = targets_of(plan, memo)
    places: dict[Subject, tuple[Place, ...]] = {}
    hosts: list[bytes] = []
    for planned in plan.hosts:
        parts = [serialized(pb.VirtualHost(name=planned.name, domains=planned.domains))]
        if any(domain.startswith("*") for domain in planned.domains):
            parts.append(memo(_no_host_fields))
            places[Subject(ROUTES, name, f"{planned.name}/{NO_HOST}")] = planned.places
        places[Subject(ROUTES, name, planned.name)] = planned.places
        for entry in planned.entries:
            made, lines = of_entry(_fields, entry, targets, memo)
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


def of_entry(
    make: Callable[[Iterator[pb.Route]], T],
    entry: Entry,
    targets: Targets,
    memo: Memo,
) -> tuple[T, tuple[Place, ...]]:
    """What is made of the routes that an entry becomes, and its lines; as before if it is the same.

    A 405 is a new object whenever a route of its host changes, and so is what answers preflights:
    their parts are not.
    """
    match entry:
        case MethodNotAllowed():
            return memo(_of_not_allowed, make, entry.rule, entry.path, entry.allow), entry.places
        case Preflight():
            by = () if entry.route is None else (entry.route.route, entry.route.settings)
            about = (entry.methods, entry.others)
            return memo(_of_preflight, make, entry.rule, entry.path, (about, by)), entry.places
        case PlannedRoute():
            said = _Said(targets.streaming, targets.asked(entry.route))
            return memo(_of_route, make, entry, said)


def called(entries: Iterable[Entry]) -> frozenset[str]:
    """The clusters that the routes of entries name: a target of weight 0 is in none."""
    found: set[str] = set()
    for entry in entries:
        if isinstance(entry, Preflight) and entry.route is not None:
            found.add(NOWHERE)
        elif isinstance(entry, PlannedRoute) and not entry.held:
            found.update(name for name, _ in forwarded(entry.route))
            found.update(besides(entry))
    return frozenset(found)


def serialized(message: Message) -> bytes:
    """The bytes of a message, the same in every process."""
    return message.SerializeToString(deterministic=True)


def _of_not_allowed(
    make: Callable[[Iterator[pb.Route]], T], rule: str, path: PathPattern, allow: tuple[str, ...]
) -> T:
    return make(iter((not_allowed(rule, path, allow),)))


class _Said(NamedTuple):
    """What backends say of one route."""

    streaming: frozenset[str]
    asked: Forwarding


_Asked: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
_Answer: TypeAlias = tuple[_Asked, tuple[Route, tuple[Setting, ...]] | tuple[()]]
"""What preflights ask about, and by which route with which settings they are answered."""


def _of_preflight(
    make: Callable[[Iterator[pb.Route]], T], rule: str, path: PathPattern, answer: _Answer
) -> T:
    return make(iter((_preflight(rule, path, answer),)))


def _of_route(
    make: Callable[[Iterator[pb.Route]], T], planned: PlannedRoute, said: _Said
) -> tuple[T, tuple[Place, ...]]:
    lines = (planned.route.place, *(s.place for s in planned.settings))
    return make(_routes(planned, said)), lines


def _fields(routes: Iterator[pb.Route]) -> bytes:
    """Routes, serialized as a part of their host."""
    return b"".join(field(ROUTE, serialized(one)) for one in routes)


def _no_host_fields() -> bytes:
    return _fields(iter((no_host(),)))


def _routes(planned: PlannedRoute, said: _Said) -> Iterator[pb.Route]:
    if planned.held:
        yield held(planned)
        return
    if planned.unanswered:  # its policy would answer them: they go where it does without
        for one in _made(planned, said, frozenset({CORS})):
            match_preflight(one.match)
            yield one
    yield from _made(planned, said)


def _made(
    planned: PlannedRoute, said: _Said, without: frozenset[str] = frozenset()
) -> tuple[pb.Route, ...]:
    """A route with its policies, but for those of some keys."""
    facts = _facts(planned.route, stream=streams(planned, said.streaming))
    made: tuple[pb.Route, ...] = (_bare(planned, stream=facts.stream),)
    for key, value in said.asked:
        forward_steps()[key](value, made[0].route)
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


def _facts(route: Route, *, stream: bool = False) -> RouteFacts:
    return RouteFacts(
        path=route.path,
        methods=route.match.methods,
        grpc=route.match.grpc is not None,
        stream=stream,
        targets=tuple(route.match.to or ()),
    )


def _bare(planned: PlannedRoute, *, stream: bool) -> pb.Route:
    """A route that matches and forwards, without policies."""
    route = planned.route
    out = pb.Route(name=planned.rule)
    match_path(route.path, out.match)
    match_conditions(route, out.match)
    if route.action is Action.FORWARD:
        targets = forwarded(route)
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


def _preflight(rule: str, path: PathPattern, answer: _Answer) -> pb.Route:
    """What answers preflights: Envoy's CORS filter, which wants an action to a cluster behind it.

    What that filter leaves alone, as its origin is another, goes nowhere and is 403.
    """
    asked, by = answer
    out = pb.Route(name=rule)
    match_path(path, out.match)
    match_preflight(out.match, *asked)
    if not by:
        out.direct_response.status = 403
        out.direct_response.body_format.CopyFrom(problem("Forbidden", 403))
        return unasked_on(out)
    out.route.cluster = NOWHERE
    route, settings = by
    for setting in settings:
        if setting.key in PREFLIGHTS and setting.value is not None:
            (out,) = route_steps()[setting.key](setting.value, _facts(route), out)
    return unasked_on(out)
