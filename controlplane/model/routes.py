"""The routes of a file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from controlplane.model.gateway import Match, Route, Setting
from controlplane.model.inherit import Entry, Inherited, is_none, settings_of, told
from controlplane.model.keys import decoder, route_keys
from controlplane.model.levels import MATCH, mended, unfit_key
from language.decode import Decoder, Refused, blank, mistake_at, spot
from language.grpc import METHOD
from language.mistakes import Mistake, errors
from language.nodes import ListNode, MapNode, Node, Scalar
from language.paths import PathPattern
from language.places import Place
from policies.contract import Action, RouteFacts, RouteKey, Settings
from policies.defaults import no_backends, no_references, unruled

_MATCH: Decoder[Match] = Decoder(Match)
_ACTIONS = {a.value: a for a in Action}


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the routes of a file stand in: its hosts with their places, and what they inherit."""

    hosts: tuple[str, ...]
    host_places: tuple[Place, ...]
    inherited: Inherited


def read_routes(
    file: str, written: tuple[Scalar, Node] | None, around: Around
) -> Iterator[Route | Setting | Mistake]:
    """Each route, or its mistakes; and its own settings that may name things, in either case."""
    if written is None or blank(written[1]):
        return
    _, value = written
    if not isinstance(value, ListNode):
        yield mistake_at(file, value, "'routes' holds a list", "write - path: /… below it")
        return
    for item in value.items:
        if isinstance(item, MapNode) and item.entries:
            yield from _route(file, item, around)
        elif not blank(item):
            yield mistake_at(file, item, "a route is a mapping", "write - path: /…")


def may_name(setting: Setting) -> bool:
    """Whether a setting's key is one that refers to named things."""
    key = route_keys()[setting.key]
    return setting.value is not None and key.references is not no_references


def references(written: tuple[Scalar, Node] | None) -> Iterator[Scalar]:
    """The names of backends where routes name them, those of routes with mistakes too."""
    items = written[1].items if written and isinstance(written[1], ListNode) else ()
    for item in items:
        if not isinstance(item, MapNode):
            continue
        route = mended(item, _known())
        to = route.get("to")
        if isinstance(to, Scalar):
            yield to
        elif isinstance(to, MapNode):
            yield from (name for name, _ in to.entries)
        yield from _besides(route)


def _besides(route: MapNode) -> Iterator[Scalar]:
    """The names of backends in the settings of policies."""
    for name, value in route.entries:
        key = route_keys().get(name.text)
        if key is None or key.backends is no_backends:
            continue
        read = decoder(key).decode("", value, name)
        if not isinstance(read, Refused):
            for one in key.backends(read):
                found = spot(value, name, one.path).node
                if isinstance(found, Scalar):
                    yield found


def _route(file: str, node: MapNode, around: Around) -> Iterator[Route | Setting | Mistake]:
    keys = route_keys()
    inherited = around.inherited
    unknown = tuple(_unknown(file, node))
    node = _meant(node, unknown)
    entries = {entry[0].text: entry for entry in node.entries}
    written = {name: entry for name, entry in entries.items() if name in keys}
    actions = [action for name, action in _ACTIONS.items() if name in entries]
    mistakes = [
        *unknown,
        *_action_faults(file, node, actions),
        *_effectless(file, written, inherited, actions),
        *_required(file, node, written, inherited),
    ]
    own = MapNode(tuple(e for e in node.entries if e[0].text in MATCH), node.line, node.column)
    match = _MATCH.decode(file, own, node.entries[0][0])
    mistakes.extend(_path_faults(file, node))
    facts: RouteFacts | None = None
    if isinstance(match, Refused):
        mistakes.extend(match.mistakes)
    elif (path := _path(match)) is not None:
        if match.grpc is not None:
            match = replace(match, methods=(METHOD,))
        facts = RouteFacts(
            path=path,
            methods=match.methods,
            grpc=match.grpc is not None,
            stream=match.grpc is not None or any(keys[name].streams for name in written),
            targets=tuple(match.to or ()),
        )
    action = actions[0] if actions else Action.FORWARD
    settings: list[Setting] = []
    for found in settings_of(file, keys, inherited, written, facts):
        if isinstance(found, Mistake):
            mistakes.append(found)
        elif action in keys[found.key].actions:
            settings.append(found)
            if not found.inherited and may_name(found):
                yield found
    if facts is not None and not errors(mistakes):
        mistakes.extend(_overruled(file, settings, written, facts))
    if isinstance(match, Match) and facts is not None and not errors(mistakes):
        hosts, host_places = _hosts(file, node, match, around)
        yield Route(
            file=file,
            node=node,
            hosts=hosts,
            host_places=host_places,
            path=facts.path,
            match=match,
            action=action,
            settings=tuple(settings),
        )
    yield from mistakes


def _path(match: Match) -> PathPattern | None:
    return match.grpc.path if match.grpc is not None else match.path


def _path_faults(file: str, node: MapNode) -> Iterator[Mistake]:
    path, grpc = node.key("path"), node.key("grpc")
    if path is None and grpc is None:
        yield mistake_at(file, node.entries[0][0], "'path' is missing here", "add path: …")
    elif path is not None and grpc is not None:
        yield mistake_at(file, grpc, "a route has a path or a gRPC method, not both", "keep one")
    methods = node.key("methods")
    if grpc is not None and methods is not None:
        yield mistake_at(file, methods, f"a gRPC call is a {METHOD} always", "leave it out")


def _hosts(
    file: str, node: MapNode, match: Match, around: Around
) -> tuple[tuple[str, ...], tuple[Place, ...]]:
    """The hosts of a route with their places."""
    if not match.hosts:
        return around.hosts, around.host_places
    written = next(value for key, value in node.entries if key.text == "hosts")
    items = written.items if isinstance(written, ListNode) else (written,)
    return match.hosts, tuple(Place(file, one.line, one.column) for one in items)


def _overruled(
    file: str, settings: list[Setting], written: Mapping[str, Entry], facts: RouteFacts
) -> Iterator[Mistake]:
    """What is written here and has no effect beside the route's other settings."""
    others: dict[str, Settings] = {}
    for setting in settings:
        key = route_keys()[setting.key]
        if key.overruled is unruled or setting.key not in written or setting.value is None:
            continue
        others = others or {one.key: one.value for one in settings}
        for fault in key.overruled(setting.value, others, facts):
            mistake = told(file, written[setting.key], fault, inherited=False)
            if mistake is not None:
                yield mistake


@cache
def _known() -> tuple[str, ...]:
    return (*MATCH, *route_keys())


@cache
def _names() -> frozenset[str]:
    return frozenset(_known())


@cache
def _required_keys() -> tuple[RouteKey, ...]:
    return tuple(key for key in route_keys().values() if key.required)


def _unknown(file: str, node: MapNode) -> Iterator[Mistake]:
    for name, _ in node.entries:
        if name.text not in _names():
            yield unfit_key(file, name, _known(), here="a route")


def _meant(node: MapNode, unknown: tuple[Mistake, ...]) -> MapNode:
    return mended(node, _known()) if unknown else node


def _action_faults(file: str, node: MapNode, actions: list[Action]) -> Iterator[Mistake]:
    start = node.entries[0][0]
    if not actions:
        hint = f"add one of {', '.join(_ACTIONS)}"
        yield mistake_at(file, start, "this route goes nowhere", hint)
    for extra in actions[1:]:
        key = node.key(extra.value) or start
        message = f"'{extra.value}' beside '{actions[0].value}': a route does one thing"
        yield mistake_at(file, key, message, "keep one")


def _effectless(
    file: str, written: Mapping[str, Entry], inherited: Inherited, actions: list[Action]
) -> Iterator[Mistake]:
    """Keys that the route's action does not know; switching off what is inherited says no wrong."""
    for name, (key, value) in written.items():
        if is_none(value) and name in inherited.defaults:
            continue
        if len(actions) == 1 and actions[0] not in route_keys()[name].actions:
            message = f"'{name}' has no effect on a route with '{actions[0].value}'"
            yield mistake_at(file, key, message, "leave it out")


def _required(
    file: str, node: MapNode, written: Mapping[str, Entry], inherited: Inherited
) -> Iterator[Mistake]:
    if not inherited.whole:
        return
    for key in _required_keys():
        if key.name not in written and key.name not in inherited.defaults:
            start = node.entries[0][0]
            hint = f"write {key.example}, here or in defaults"
            message = f"this route has no '{key.name}' from anywhere"
            yield mistake_at(file, start, message, hint)
