"""From nodes to typed settings: every mistake at its place, with the hint that mends it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails
from typing_extensions import TypeForm

from language.mistakes import Mistake
from language.nodes import ListNode, MapNode, Node, Scalar, Step
from language.places import Place
from language.scalars import Quoted
from language.suggest import nearest

T = TypeVar("T")
KeysAt: TypeAlias = Callable[[tuple[Step, ...]], tuple[str, ...]]
Plain: TypeAlias = "str | list[Plain] | dict[str, Plain]"

settings = with_config(ConfigDict(extra="forbid", alias_generator=to_camel))
"""Decorates a frozen dataclass of settings: keys are camelCase, and unknown ones are refused."""

_WANTED = {
    "dataclass_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What a decoding gives in place of a value: its mistakes.

    There are none where the reader has refused the value already (it is empty).
    """

    mistakes: tuple[Mistake, ...]


class Decoder(Generic[T]):
    """Reads nodes as one type; build it once, it is costly, and use it for every file."""

    def __init__(self, wanted: TypeForm[T]) -> None:
        self.adapter: TypeAdapter[T] = TypeAdapter(wanted)
        self._validator = self.adapter.validator

    def decode(
        self, file: str, node: Node, key: Scalar | None, context: object = None
    ) -> T | Refused:
        """The value of a node, or its mistakes; `key` is the one that the node stands under.

        `context` is for types that take more than the value: a `Reading` where secrets are.
        """
        try:
            value: T = self._validator.validate_python(plain(node), context=context)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=True)
            meant = {
                (*e["loc"][:-1], nearest(str(e["loc"][-1]), self.keys(e["loc"][:-1])))
                for e in found
                if e["type"] == "unexpected_keyword_argument"
            }
            told = (
                _mistake(file, node, key, e, self.keys)
                for e in found
                if not (e["type"].startswith("missing") and e["loc"] in meant)
            )
            return Refused(mistakes=tuple(m for m in told if m is not None))
        return value

    def keys(self, path: tuple[Step, ...]) -> tuple[str, ...]:
        """The keys that may stand in the mapping at a path, from the type's JSON Schema."""
        schema = self.adapter.json_schema()
        here: list[Mapping[str, Any]] = [schema]
        for step in path:
            here = [below for one in here for below in _below(one, step, schema)] or here
        choices = (choice for one in here for choice in _choices(one, schema))
        return tuple(key for choice in choices for key in choice.get("properties", {}))


def plain(node: Node) -> Plain:
    """A node as plain lists, dicts and texts."""
    if isinstance(node, Scalar):
        return Quoted(node.text) if node.quoted else node.text
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return {key.text: plain(value) for key, value in node.entries}


class Spot(NamedTuple):
    """A node with the key that it stands under."""

    node: Node
    key: Scalar | None


def spot(node: Node, key: Scalar | None, path: tuple[Step, ...]) -> Spot:
    """Where a path leads; steps that lead nowhere are passed over."""
    for step in path:
        if isinstance(node, MapNode) and isinstance(step, str):
            key, node = _entry(node, step) or (key, node)
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            key = None
    return Spot(node, key)


def _entry(node: MapNode, step: str) -> tuple[Scalar, Node] | None:
    """The entry of a key; names of headers reach here in lower case, however they were written."""
    alike = [entry for entry in node.entries if entry[0].text.lower() == step.lower()]
    exact = [entry for entry in alike if entry[0].text == step]
    return next(iter(exact or alike), None)


def blank(node: Node) -> bool:
    """Whether a node stands for something that the reader has refused: all that is empty."""
    if isinstance(node, Scalar):
        return not node.text
    return not (node.items if isinstance(node, ListNode) else node.entries)


def mistake_at(
    file: str, where: Scalar | Node, message: str, hint: str = "", offset: int = 0
) -> Mistake:
    """A mistake at a node, underlined over a scalar's text."""
    if isinstance(where, Scalar):
        width = max(1, len(where.text) - offset) + (2 if where.quoted and not offset else 0)
        column = where.column + offset + (1 if where.quoted and offset else 0)
        place = Place(file, where.line, column)
        return Mistake(place=place, message=message, hint=hint, width=width)
    return Mistake(place=Place(file, where.line, where.column), message=message, hint=hint)


def unknown_key(file: str, key: Scalar, known: tuple[str, ...]) -> Mistake:
    """A mistake at a key that may not stand there."""
    near = nearest(key.text, known)
    hint = f"did you mean '{near}'?" if near else f"it may be {', '.join(known)}" if known else ""
    return mistake_at(file, key, f"unknown key '{key.text}'", hint)


def _mistake(
    file: str, node: Node, key: Scalar | None, error: ErrorDetails, keys: KeysAt
) -> Mistake | None:
    kind, loc = error["type"], error["loc"]
    where = _culprit(node, key, loc)
    below = spot(node, key, loc[:-1]).node if kind.startswith("missing") else where
    if below is not node and blank(below):
        return None
    if kind == "scalar":
        context = error["ctx"]
        if context["at"] is not None:
            inner = spot(node, key, (*loc, context["at"]))
            if context["below"] and blank(inner.node):
                return None
            where = inner.node if context["below"] else inner.key or inner.node
        told = mistake_at(file, where, context["message"], context["hint"], context["offset"])
        return replace(told, hidden=True) if context["hidden"] else told
    if kind == "unexpected_keyword_argument":
        found = spot(node, key, loc)
        return unknown_key(file, found.key or _scalar(node), keys(loc[:-1]))
    if kind.startswith("missing"):
        found = spot(node, key, loc[:-1])
        at = found.key or found.node
        return mistake_at(file, at, f"'{loc[-1]}' is missing here", f"add {loc[-1]}: …")
    if kind in _WANTED:
        return _wanted(file, where, _WANTED[kind], keys(loc))
    raise UnforeseenError(kind, error["msg"])


def _culprit(node: Node, key: Scalar | None, loc: tuple[Step, ...]) -> Node:
    """The value that a path leads to, or the key where pydantic says that it means the key."""
    if loc and loc[-1] == "[key]":
        found = spot(node, key, loc[:-1])
        same = found.key is not None and found.key.text == loc[-2]
        return found.key if found.key is not None and same else found.node
    return spot(node, key, loc).node


def _wanted(file: str, where: Node, wanted: str, known: tuple[str, ...]) -> Mistake:
    """A mistake at a node that should be a list or a mapping."""
    what = "one value" if isinstance(where, Scalar) else "a mapping"
    what = "a list" if isinstance(where, ListNode) else what
    if wanted == "a list":
        hint = f"write [{where.text}]" if isinstance(where, Scalar) else "write [a, b]"
    else:
        hint = f"it has {', '.join(known)}" if known else "write {name: value}"
    return mistake_at(file, where, f"{wanted} is wanted here, not {what}", hint)


def _scalar(node: Node) -> Scalar:
    return node if isinstance(node, Scalar) else Scalar("", node.line, node.column, quoted=False)


def _choices(one: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a schema may be, references and alternatives followed."""
    while "$ref" in one:
        one = schema["$defs"][one["$ref"].rpartition("/")[2]]
    yield one
    for choice in one.get("anyOf", ()):
        yield from _choices(choice, schema)


def _below(
    one: Mapping[str, Any], step: Step, schema: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    for choice in _choices(one, schema):
        if isinstance(step, int) and "items" in choice:
            yield choice["items"]
        elif step in choice.get("properties", {}):
            yield choice["properties"][step]
        elif isinstance(choice.get("additionalProperties"), dict):
            yield choice["additionalProperties"]


class UnforeseenError(Exception):
    """A type refused a value in a way that we have no words for: a mistake of ours."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message
