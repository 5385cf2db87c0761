"""Sets of characters as ranges of code points, as RE2 means its classes."""

from collections.abc import Iterable
from typing import TypeAlias

Charset: TypeAlias = tuple[tuple[int, int], ...]
"""First and last of each range, sorted and apart."""

LAST = 0x10FFFF

_PLEASANT = "a0A-_.~"
_VISIBLE = (0x21, 0x7E)
_SURROGATES = (0xD800, 0xDFFF)


def joined(ranges: Iterable[tuple[int, int]]) -> Charset:
    """One set of ranges in any order."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def others(ranges: Charset) -> Charset:
    """Every character that a set has not."""
    found: list[tuple[int, int]] = []
    at = 0
    for low, high in ranges:
        if at < low:
            found.append((at, low - 1))
        at = high + 1
    if at <= LAST:
        found.append((at, LAST))
    return tuple(found)


def either_case(ranges: Charset) -> Charset:
    """A set of ASCII with both cases of its letters, and what Unicode folds to one of them."""
    found = list(ranges)
    for letter in "abcdefghijklmnopqrstuvwxyz":
        cases = of(letter + letter.upper())
        if any(holds(ranges, one) for one, _ in cases):
            found += cases
    for letter, alike in (("k", 0x212A), ("s", 0x017F)):
        if holds(joined(found), ord(letter)):
            found.append((alike, alike))
    return joined(found)


def holds(ranges: Charset, char: int) -> bool:
    """Whether a character is in a set."""
    return any(low <= char <= high for low, high in ranges)


def of(text: str) -> Charset:
    """The characters of a text."""
    return joined((ord(one), ord(one)) for one in text)


def shared(one: Charset, other: Charset) -> Charset:
    """The characters that are in both sets."""
    every = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple((low, high) for low, high in every if low <= high)


def pleasant(ranges: Charset) -> str:
    """A character of a set that is not empty, the most readable that there is."""
    for char in _PLEASANT:
        if holds(ranges, ord(char)):
            return char
    for low, high in ranges:
        visible = max(low, _VISIBLE[0])
        if visible <= min(high, _VISIBLE[1]):
            return chr(visible)
    low, high = ranges[0]
    return chr(_SURROGATES[1] + 1 if _SURROGATES[0] <= low <= _SURROGATES[1] < high else low)


DIGITS: Charset = ((48, 57),)
WORDS: Charset = ((48, 57), (65, 90), (95, 95), (97, 122))
SPACES: Charset = ((9, 10), (12, 13), (32, 32))
NO_NEWLINE: Charset = ((0, 9), (11, LAST))

NAMED = {
    "d": DIGITS,
    "w": WORDS,
    "s": SPACES,
    "D": others(DIGITS),
    "W": others(WORDS),
    "S": others(SPACES),
}
"""Perl's classes, which are of ASCII in RE2."""

POSIX = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "digit": DIGITS,
    "lower": ((97, 122),),
    "upper": ((65, 90),),
    "word": WORDS,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
