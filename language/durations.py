"""Durations as users write them, `300ms` or `1h`, and in milliseconds everywhere else."""

import re
from collections.abc import Callable
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.scalars import JsonSchema, fault, one_text

_DURATION = re.compile(r"(0|[1-9][0-9]{0,8})(ms|s|m|h|d)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATIONS = "write 300ms, 3s, 5m, 1h or 1d"


def _duration(shortest: str, longest: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        text = one_text(value, _DURATIONS)
        found = _DURATION.fullmatch(text)
        if not found:
            raise fault(f"'{text}' is not a duration", _meant(text))
        milliseconds = int(found[1]) * _MILLISECONDS[found[2]]
        if not _length(shortest) <= milliseconds <= _length(longest):
            hint = f"write a duration from {shortest} to {longest}"
            raise fault(f"{text} is out of range", hint)
        return milliseconds

    return read


def _length(duration: str) -> int:
    found = _DURATION.fullmatch(duration)
    return int(found[1]) * _MILLISECONDS[found[2]] if found else 0


def _meant(text: str) -> str:
    """Name the duration that was meant: `3`, `3 s`, `3sec` and `5min` are near one."""
    near = re.fullmatch(r"([1-9][0-9]{0,8}) *([A-Za-z]*)", text)
    if near is None:
        return _DURATIONS
    number, unit = near[1], near[2].lower()
    if not unit:
        return f"write {number}s or {number}ms"
    if unit.startswith(("ms", "mil")):
        return f"write {number}ms"
    return f"write {number}{unit[0]}" if unit[0] in "smhd" else _DURATIONS


class InMilliseconds:
    """Marks a number that is a duration, so that whoever shows it writes its unit."""


def duration(shortest: str, longest: str) -> tuple[BeforeValidator, WithJsonSchema, InMilliseconds]:
    """Annotations of a duration in milliseconds between two bounds, both allowed."""
    schema: JsonSchema = {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,8})(ms|s|m|h|d)$"}
    return BeforeValidator(_duration(shortest, longest)), WithJsonSchema(schema), InMilliseconds()


Milliseconds: TypeAlias = Annotated[int, *duration("1ms", "365d")]
"""A duration (`300ms`, `3s`, `5m`, `1h`, `1d`), in milliseconds."""
