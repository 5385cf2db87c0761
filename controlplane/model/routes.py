"""The routes of a file."""

from collections.abc import Iterator, Mapping

from controlplane.model.gateway import Match, Route, Setting
from controlplane.model.inherit import Default, Entry, is_none, settings_of
from controlplane.model.keys import backend_keys, route_keys
from language.decode import Decoder, Refused, mistake_at, unknown_key
from language.mistakes import Mistake
from language.nodes import ListNode, MapNode, Node, Scalar
from policies.contract import Action, RouteFacts, RouteKey

_MATCH: Decoder[Match] = Decoder(Match)
_KEYS = ("path", "methods", "headers", "query", "priority", "to")
_ACTIONS = tuple(a.value for a in Action)


def read_routes(
    file: str, written: tuple[Scalar, Node] | None, defaults: Mapping[str, Default]
) -> Iterator[Route | Mistake]:
    """Each route, or its mistakes."""
    if written is None:
        return
    _, value = written
    if not isinstance(value, ListNode):
        yield mistake_at(file, value, "'routes' holds a list", "write - path: /… below it")
        return
    for item in value.items:
        if isinstance(item, MapNode):
            yield from _route(file, item, defaults)
        else:
            yield mistake_at(file, item, "a route is a mapping", "write - path: /…")


def _route(file: str, node: MapNode, defaults: Mapping[str, Default]) -> Iterator[Route | Mistake]:
    keys = route_keys()
    written = {k.text: (k, v) for k, v in node.entries if k.text in keys}
    actions = [a for a in Action if node.key(a.value) is not None]
    mistakes = [
        *_unknown(file, node),
        *_switched_off(file, written, keys),
        *_action_faults(file, node, actions),
        *_effectless(file, written, keys, actions),
        *_required(file, node, written, defaults),
    ]
    own = MapNode(tuple(e for e in node.entries if e[0].text in _KEYS), node.line, node.column)
    match = _MATCH.decode(file, own, None)
    facts: RouteFacts | None = None
    if isinstance(match, Refused):
        mistakes.extend(match.mistakes)
    else:
        facts = RouteFacts(path=match.path, methods=match.methods)
    action = actions[0] if actions else Action.FORWARD
    settings: list[Setting] = []
    for found in settings_of(file, keys, defaults, written, facts):
        if isinstance(found, Mistake):
            mistakes.append(found)
        elif action in keys[found.key].actions:
            settings.append(found)
    if isinstance(match, Match) and not mistakes:
        yield Route(
            file=file,
            node=node,
            path=match.path,
            match=match,
            action=action,
            settings=tuple(settings),
        )
    yield from mistakes


def _unknown(file: str, node: MapNode) -> Iterator[Mistake]:
    for name, _ in node.entries:
        if name.text in _KEYS or name.text in route_keys():
            continue
        if name.text in backend_keys():
            hint = "move it below backends.NAME or defaults.backend"
            yield mistake_at(file, name, f"'{name.text}' belongs to a backend", hint)
        else:
            yield unknown_key(file, name, (*_KEYS, *route_keys()))


def _switched_off(
    file: str, written: Mapping[str, Entry], keys: Mapping[str, RouteKey]
) -> Iterator[Mistake]:
    for name, (_, value) in written.items():
        if is_none(value) and not keys[name].inherited:
            hint = "leave the key out"
            yield mistake_at(file, value, "'none' switches nothing off here", hint)


def _action_faults(file: str, node: MapNode, actions: list[Action]) -> Iterator[Mistake]:
    start = node.entries[0][0] if node.entries else node
    if not actions:
        hint = f"add one of {', '.join(_ACTIONS)}"
        yield mistake_at(file, start, "this route goes nowhere", hint)
    for extra in actions[1:]:
        key = node.key(extra.value) or start
        message = f"'{extra.value}' beside '{actions[0].value}': a route does one thing"
        yield mistake_at(file, key, message, "keep one")


def _effectless(
    file: str, written: Mapping[str, Entry], keys: Mapping[str, RouteKey], actions: list[Action]
) -> Iterator[Mistake]:
    for name, (key, _) in written.items():
        if len(actions) == 1 and actions[0] not in keys[name].actions:
            message = f"'{name}' has no effect on a route with '{actions[0].value}'"
            yield mistake_at(file, key, message, "leave it out")


def _required(
    file: str, node: MapNode, written: Mapping[str, Entry], defaults: Mapping[str, Default]
) -> Iterator[Mistake]:
    for name, policy in route_keys().items():
        if policy.required and name not in written and name not in defaults:
            start = node.entries[0][0] if node.entries else node
            hint = f"write {policy.example}, here or in defaults"
            yield mistake_at(file, start, f"this route has no '{name}' from anywhere", hint)
