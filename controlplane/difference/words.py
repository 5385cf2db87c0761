"""Settings in the language's words: `retry.attempts: 2`, `timeout: 3s`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from controlplane.difference.difference import ValueChange
from language.durations import InMilliseconds
from language.paths import PathTemplate
from language.scalars import Percent

_TIMES = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[ValueChange, ...]:
    """What differs, in the order of the first, then of the second."""
    keys = dict.fromkeys((*before, *after))
    pairs = ((key, before.get(key, ""), after.get(key, "")) for key in keys)
    return tuple(ValueChange(key=k, before=old, after=new) for k, old, new in pairs if old != new)


def words(key: str, value: object, hint: object = None) -> Iterator[tuple[str, str]]:
    """A value as keys and texts; a mapping of settings is one key for each that is not empty."""
    if value is None:
        yield key, "none"
    elif is_dataclass(value) and not isinstance(value, type) and not _speaks(value):
        hints = _hints(type(value))
        for field in fields(value):
            below = getattr(value, field.name)
            if below not in (None, (), {}):
                name = _name(field.name, hints[field.name])
                yield from words(f"{key}.{name}", below, hints[field.name])
    elif isinstance(value, dict):
        for name, below in value.items():
            yield f"{key}.{name}", text(below, hint)
    else:
        yield key, text(value, hint)


def text(value: object, hint: object) -> str:
    """A value on one line."""
    if isinstance(value, int):
        return _number(value, hint)
    if isinstance(value, PathTemplate):
        return value.text
    if isinstance(value, tuple) and type(value).__str__ is not tuple.__str__:
        return str(value)  # one with a name for each part, which says itself how it is written
    ours = isinstance(value, Iterable) and is_dataclass(value)  # an IP range too is iterable
    if isinstance(value, Iterable) and (ours or isinstance(value, (tuple, list))):
        return f"[{', '.join(text(one, hint) for one in value)}]"
    if is_dataclass(value) and not isinstance(value, type) and not _speaks(value):
        pairs = [(name.removeprefix("."), said) for name, said in words("", value)]
        return "{" + ", ".join(f"{name}: {said}" for name, said in pairs) + "}"
    return str(value)


def _number(value: int, hint: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if _means(hint, get_args(Percent)[1]):
        return f"{value}%"
    return duration(value) if _means(hint, InMilliseconds) else str(value)


def duration(milliseconds: int) -> str:
    """A duration in the largest unit that has it whole."""
    if not milliseconds:
        return "0s"
    unit, size = next((u, s) for u, s in _TIMES if milliseconds % s == 0)
    return f"{milliseconds // size}{unit}"


def _speaks(value: object) -> bool:
    """Whether a type of ours says itself how it is written."""
    kind = type(value)
    return kind.__str__ is not object.__str__ or hasattr(kind, "__iter__") or kind is PathTemplate


def _name(field: str, hint: object) -> str:
    given = next((o.alias for o in get_args(hint) if isinstance(o, FieldInfo) and o.alias), None)
    return given or to_camel(field)


@cache
def _hints(kind: type[Any]) -> Mapping[str, object]:
    return get_type_hints(kind, include_extras=True)


def _means(hint: object, wanted: object) -> bool:
    """Whether a type, or one that it is made of, has an annotation, or one of that kind."""
    return any(
        one is wanted or type(one) is wanted or _means(one, wanted) for one in get_args(hint)
    )
