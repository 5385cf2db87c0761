"""The routes of a file."""

from collections.abc import Iterator, Mapping
from functools import cache

from controlplane.model.gateway import Match, Route, Setting
from controlplane.model.inherit import Entry, Inherited, is_none, settings_of, told
from controlplane.model.keys import route_keys
from controlplane.model.levels import MATCH, mended, unfit_key
from language.decode import Decoder, Refused, blank, mistake_at
from language.mistakes import Mistake
from language.nodes import ListNode, MapNode, Node, Scalar
from policies.contract import Action, RouteFacts
from policies.defaults import no_references

_MATCH: Decoder[Match] = Decoder(Match)
_ACTIONS = tuple(a.value for a in Action)


def read_routes(
    file: str, written: tuple[Scalar, Node] | None, inherited: Inherited
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
            yield from _route(file, item, inherited)
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
        to = mended(item, _known()).get("to")
        if isinstance(to, Scalar):
            yield to
        elif isinstance(to, MapNode):
            yield from (name for name, _ in to.entries)


def _route(file: str, node: MapNode, inherited: Inherited) -> Iterator[Route | Setting | Mistake]:
    keys = route_keys()
    unknown = tuple(_unknown(file, node))
    node = mended(node, _known())
    written = {k.text: (k, v) for k, v in node.entries if k.text in keys}
    actions = [a for a in Action if node.key(a.value) is not None]
    mistakes = [
        *unknown,
        *_action_faults(file, node, actions),
        *_effectless(file, written, inherited, actions),
        *_required(file, node, written, inherited),
    ]
    own = MapNode(tuple(e for e in node.entries if e[0].text in MATCH), node.line, node.column)
    match = _MATCH.decode(file, own, node.entries[0][0])
    facts: RouteFacts | None = None
    if isinstance(match, Refused):
        mistakes.extend(match.mistakes)
    else:
        facts = RouteFacts(path=match.path, methods=match.methods)
    action = actions[0] if actions else Action.FORWARD
    settings: list[Setting] = []
    for found in settings_of(file, keys, inherited, written, facts):
        if isinstance(found, Mistake):
            mistakes.append(found)
        elif action in keys[found.key].actions:
            settings.append(found)
            if not found.inherited and may_name(found):
                yield found
    if not mistakes:
        mistakes.extend(_overruled(file, settings, written))
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


def _overruled(
    file: str, settings: list[Setting], written: Mapping[str, Entry]
) -> Iterator[Mistake]:
    """What is written here and has no effect beside the route's other settings."""
    others = {setting.key: setting.value for setting in settings}
    for setting in settings:
        if setting.key in written and setting.value is not None:
            for fault in route_keys()[setting.key].overruled(setting.value, others):
                mistake = told(file, written[setting.key], fault, inherited=False)
                if mistake is not None:
                    yield mistake


@cache
def _known() -> tuple[str, ...]:
    return (*MATCH, *route_keys())


def _unknown(file: str, node: MapNode) -> Iterator[Mistake]:
    known = _known()
    for name, _ in node.entries:
        if name.text not in known:
            yield unfit_key(file, name, known, here="a route")


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
    for name, policy in route_keys().items():
        if policy.required and name not in written and name not in inherited.defaults:
            start = node.entries[0][0]
            hint = f"write {policy.example}, here or in defaults"
            yield mistake_at(file, start, f"this route has no '{name}' from anywhere", hint)
