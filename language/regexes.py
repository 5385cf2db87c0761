"""Regular expressions as Envoy reads them: RE2's, on a whole text, of a bounded size."""

import re
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

import re2  # type: ignore[import-untyped] # the wheel has no types

from language.alternatives import empty_alternative
from language.expressions import STEPS

LONGEST = 1024
"""The most characters of an expression."""

KEPT = 16_384
"""How many compiled expressions are remembered."""

_BOUND_BYTES = 64
_LAST = 255
_SURROGATE = re.compile(r"\\x\{0*[dD][89A-Fa-f][0-9A-Fa-f]{2}\}")
_QUOTE = re.compile(r"\\Q(.*?)(\\E|$)|\\.", re.DOTALL)
_BYTES = re2.Options()  # as Envoy's, which know no character beyond 255
_BYTES.log_errors = False
_BYTES.encoding = re2.Options.Encoding.LATIN1


class MalformedRegexError(ValueError):
    """An expression that RE2 does not take, or Envoy; `offset` counts characters into it."""

    def __init__(self, message: str, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset


class Bounds(NamedTuple):
    """Between which texts all lie that an expression matches, in the order of their bytes."""

    low: bytes
    high: bytes


def check_regex(text: str) -> None:
    """Raise MalformedRegexError where Envoy would not take an expression."""
    if len(text) > LONGEST:
        message = f"{len(text)} characters are too many for an expression"
        raise MalformedRegexError(message, f"write at most {LONGEST}")
    half = _SURROGATE.search(text)
    if half is not None:  # Envoy's RE2 refuses what the one here takes
        message = f"'{half[0]}' is no character"
        raise MalformedRegexError(message, "leave it out", half.start())
    try:
        steps = _compiled(text).programsize
    except re2.error as error:
        raise _refused(text, _words(error)) from None
    if steps > STEPS:
        message = f"this expression is too large: {steps} of Envoy's {STEPS} steps"
        raise MalformedRegexError(message, "shorten it, or write two routes")
    for quote in _QUOTE.finditer(text):
        if quote[2] == "":  # it would quote whatever an expression is put into, too
            message = r"'\Q' begins a quote that has no end"
            raise MalformedRegexError(message, r"end it in \E", quote.start())
    empty = empty_alternative(text)
    if empty is not None:
        hint = r"write (…)? for what may be missing, or \| for the character"
        raise MalformedRegexError("one of these alternatives is empty", hint, empty)


def matches(regex: str, text: str) -> bool:
    """Whether the whole of a text matches an expression that was checked.

    Envoy's expressions match byte by byte (Latin-1; run on 1.40): `é` is two characters to them.
    Bytes that are no UTF-8 are half pairs in the text.
    """
    return _compiled(regex).fullmatch(text.encode("utf-8", "surrogateescape")) is not None


@lru_cache(maxsize=KEPT)
def bounds(regex: str) -> Bounds | None:
    r"""Between which texts all lie that match; None where nothing can be said of how they begin.

    RE2's own leave out texts where a word begins or ends (`\b`, `\B`): nothing is said then,
    as a route that is not looked for where it matches is a route whose policies are lost.
    """
    if "\\b" in regex or "\\B" in regex:
        return None
    try:
        low, high = _anchored(regex).possiblematchrange(_BOUND_BYTES)
    except re2.error:
        return None
    return Bounds(low, high) if (low, high) != (b"", b"") else None


@lru_cache(maxsize=KEPT)
def opening(regex: str) -> str:
    """The ASCII characters with which every text begins that matches, as far as that is known."""
    known = bounds(regex)
    if known is None:
        return ""
    low, high = known
    size = len([*takewhile(lambda two: two[0] == two[1], zip(low, high, strict=False))])
    # of `/a.*` the bounds are `/a` and `/b`, and only the first is one of its texts
    next_to = high[size:] == bytes([low[size] + 1]) if low[size:] and low[size] < _LAST else False
    if next_to and _compiled(regex).fullmatch(high) is None:
        size += 1
    return "".join(takewhile(str.isascii, low[:size].decode("latin-1")))


_HINTS = {
    "missing )": r"close it, or write \( for the character",
    "unexpected )": r"remove it, or write \) for the character",
    "missing ]": r"close it, or write \[ for the character",
    "trailing \\": r"write \\ for the character",
    "invalid perl operator": "RE2 looks neither ahead nor behind: write two routes",
    "no argument for repetition operator": r"write \* for the character",
}


def _refused(text: str, said: str) -> MalformedRegexError:
    """What RE2 says, at the part of the expression that it names."""
    what, _, part = said.partition(": ")
    hint = _HINTS.get(what, "")
    if what == "invalid escape sequence" and part[1:].isdigit():
        hint = "RE2 does not look back at groups"
    offset = text.rfind(")") if what == "unexpected )" else text.find(part) if part else -1
    if what.startswith("trailing"):
        offset = len(text) - 1
    shown = f"{what}: {part}" if part and part != text else what
    return MalformedRegexError(f"RE2 does not take this expression: {shown}", hint, max(0, offset))


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


@lru_cache(maxsize=KEPT)
def _compiled(text: str) -> "re2._Regexp[bytes]":
    return re2.compile(text.encode(), _BYTES)


@lru_cache(maxsize=KEPT)
def _anchored(text: str) -> "re2._Regexp[bytes]":
    return re2.compile(f"^(?:{text})$".encode(), _BYTES)
