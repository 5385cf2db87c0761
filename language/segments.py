"""Segments of paths: what stands between two slashes, and what may stand there."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(=\*\*)?\}")
ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LEGAL = _UNRESERVED | frozenset("!$&'()+,;=:@")
"""What a segment may hold as it is (RFC 3986 section 3.3, without `*`, which is ours)."""

PLAIN = re.compile("[A-Za-z0-9._~!$&'()+,;=:@-]*")
"""A literal that means its text alone."""

LONGEST = 8192
"""The most characters of a path: requests with longer ones are not to be relied on (RFC 9112 3)."""


class Kind(IntEnum):
    """What a segment is, the more specific the smaller.

    The end of a pattern stands before `**`: `/a/{x}` is tried before `/a/{x}/**`, which matches
    all that the first does. An expression is the whole of a path.
    """

    LITERAL = 0
    VARIABLE = 1
    END = 2
    REST = 3
    REGEX = 4


class Segment(NamedTuple):
    """A segment: a literal's text, a variable's name, or the name of the rest (may be empty).

    Of an expression the text is the expression, and it stands alone.
    """

    kind: Kind
    text: str


class MalformedPathError(ValueError):
    """A path that is none; `offset` counts characters into the text."""

    def __init__(self, message: str, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset


def parts_of(text: str, query_hint: str) -> Iterator[tuple[int, str]]:
    """Split a path at its slashes, each part with its offset, or raise MalformedPathError."""
    if not text.startswith("/"):
        bare = re.sub("^[A-Za-z]+://[^/]*", "", text).lstrip("./~^= ")
        raise MalformedPathError("a path starts with '/'", f"write /{bare}")
    if len(text) > LONGEST:
        raise MalformedPathError(
            f"{len(text)} characters are too many for a path", f"write at most {LONGEST}"
        )
    for sign, what in (("?", "query"), ("#", "fragment")):
        if sign in text:
            hint = query_hint if sign == "?" else "it never reaches a server"
            raise MalformedPathError(f"a path has no {what}", hint, text.index(sign))
    offset = 1
    parts = text[1:].split("/")
    for number, part in enumerate(parts):
        if part == "" and number < len(parts) - 1:
            raise MalformedPathError("an empty segment never matches", "slashes are merged", offset)
        if part in {".", ".."}:
            raise MalformedPathError(
                f"'{part}' never matches", "paths are normalised before they are compared", offset
            )
        yield offset, part
        offset += len(part) + 1


def check_literal(part: str, offset: int) -> None:
    """Raise MalformedPathError where a part is no text of a normalised path."""
    if PLAIN.fullmatch(part):  # as nearly every segment
        return
    if "*" in part:
        hint = "write {name} for one segment, or a last ** for the rest"
        raise MalformedPathError("a wildcard is a whole segment", hint, offset + part.index("*"))
    if re.fullmatch(r"\{[^{}=]+\}", part):
        name = re.sub("[^A-Za-z0-9_]", "_", part[1:-1])
        hint = (
            f"write {{{name}}}" if VARIABLE.fullmatch(f"{{{name}}}") else "start it with a letter"
        )
        message = "the name of a variable holds letters, digits and '_'"
        raise MalformedPathError(message, hint, offset + 1)
    for sign in "{}":
        if sign in part:
            hint = "write {name}, or {name=**} for the rest"
            raise MalformedPathError(
                "a variable is a whole segment with a name", hint, offset + part.index(sign)
            )
    position = 0
    while position < len(part):
        char = part[position]
        if char == "%":
            _check_escape(part[position : position + 3], offset + position)
            position += 3
        elif char in _LEGAL:
            position += 1
        else:
            escaped = "".join(f"%{b:02X}" for b in char.encode("utf-8", "replace"))
            raise MalformedPathError(
                f"{char!r} cannot stand in a path", f"write {escaped}", offset + position
            )


def _check_escape(escape: str, offset: int) -> None:
    if not ESCAPE.fullmatch(escape):
        raise MalformedPathError("'%' starts an escape of two hex digits", "write %25", offset)
    char = chr(int(escape[1:], 16))
    if char in _UNRESERVED:
        raise MalformedPathError(
            f"'{escape}' never matches: paths are normalised", f"write {char}", offset
        )
    if char in "/\\":
        raise MalformedPathError(
            f"'{escape}' never matches: escaped slashes are redirected", "write /", offset
        )
