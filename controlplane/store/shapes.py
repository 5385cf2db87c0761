"""What JSON of ours is made of, taken out of what JSON of anybody holds."""

import math
from typing import Any


class MalformedError(Exception):
    """What was read is not of our format."""


def mapping(held: object) -> dict[str, Any]:
    """Give an object. Raises MalformedError, as all of these."""
    if not isinstance(held, dict):
        raise MalformedError("object")
    return held


def items(held: object, count: int | None = None) -> list[Any]:
    """Give a list, of so many."""
    if not isinstance(held, list) or count not in {None, len(held)}:
        raise MalformedError("list")
    return held


def text(held: object) -> str:
    """Give a text."""
    if not isinstance(held, str):
        raise MalformedError("text")
    return held


def whole(held: object) -> int:
    """Give a whole number."""
    if not isinstance(held, int) or isinstance(held, bool):
        raise MalformedError("number")
    return held


def seconds(held: object) -> float:
    """Give a time."""
    if not isinstance(held, int | float) or isinstance(held, bool) or not math.isfinite(held):
        raise MalformedError("time")
    return float(held)
