"""The RE2 expressions that paths become, and what they cost Envoy."""

import re
from collections.abc import Iterable

from language.segments import ESCAPE, Kind, Segment

STEPS = 100
"""The largest RE2 program that Envoy takes (`re2.max_program_size.error_level`)."""

_AROUND = 4
_VARIABLE_STEPS = 3
_REST_STEPS = 5
GROUP_STEPS = 2
"""What RE2 compiles the parts of our expressions to; a literal is one step for each character."""


def regex(fixed: Iterable[Segment], *, rest: bool) -> str:
    """Give the expression on a whole path of these segments, and a rest after them."""
    body = "".join("/" + (literal(s.text) if s.kind is Kind.LITERAL else "[^/]+") for s in fixed)
    if not rest:
        return body
    return body + "(?:/.*)?" if body else "/.*"


def steps(fixed: Iterable[Segment], *, rest: bool) -> int:
    """How large the program of `regex` is, in RE2's instructions."""
    return _AROUND + sum(1 + _steps(s) for s in fixed) + (_REST_STEPS if rest else 0)


def literal(text: str) -> str:
    """Escape a literal for RE2; normalising leaves `%c3` and `%C3` apart, and they are one."""
    escaped = re.escape(text)
    if "%" not in text:
        return escaped
    return ESCAPE.sub(
        lambda e: "%" + "".join(f"[{d}{d.lower()}]" if d.isalpha() else d for d in e[0][1:]),
        escaped.replace("\\%", "%"),
    )


def _steps(segment: Segment) -> int:
    return len(segment.text) if segment.kind is Kind.LITERAL else _VARIABLE_STEPS
