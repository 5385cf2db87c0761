"""How two wanted values stand to each other: whether one value may be both, or is surely both.

Of a repeated header each value is looked at alone, as Envoy does.
"""

from language.matches import How, TextMatch
from language.regexes import Bounds, bounds

_LAST = b"\xff"
"""Above every text: no byte of UTF-8 is so large."""

EVERY = Bounds(b"", _LAST)
"""Between these all texts lie."""


def meets(one: TextMatch, other: TextMatch) -> bool:
    """Whether one value may be what both want: True also where nobody can tell."""
    if How.ABSENT in {one.how, other.how}:
        return one.how is other.how
    for a, b in ((one, other), (other, one)):
        if a.how is How.EXACT:
            return b.takes(a.text)
    return one == other or _overlap(one, other)


def covers(wide: TextMatch, narrow: TextMatch) -> bool:
    """Whether surely every value that one takes is taken by the other: False in doubt."""
    if How.ABSENT in {wide.how, narrow.how}:
        return wide.how is narrow.how
    if wide == narrow or wide.how is How.PRESENT:
        return True
    if narrow.how is How.EXACT:
        return wide.takes(narrow.text)
    low, high = span(narrow)
    if wide.how is How.PREFIX:
        begin = wide.text.encode()
        return low.startswith(begin) and high.startswith(begin)
    return wide.how is How.EXACT and low == high == wide.text.encode()


def span(wanted: TextMatch) -> Bounds:
    """Between which texts all lie that are wanted, in the order of their bytes."""
    text = wanted.text.encode()
    match wanted.how:
        case How.EXACT:
            return Bounds(text, text)
        case How.PREFIX:
            return Bounds(text, text + _LAST)
        case How.REGEX:
            return bounds(wanted.text) or EVERY
        case How.PRESENT | How.ABSENT:
            return EVERY


def _overlap(one: TextMatch, other: TextMatch) -> bool:
    a, b = span(one), span(other)
    if a.low > b.high or b.low > a.high:
        return False
    if a.high != b.low and b.high != a.low:
        return True
    # they touch in one text, which the end of an expression's bounds need not belong to
    touching = (a.high if a.high == b.low else b.high).decode("utf-8", "replace")
    return one.takes(touching) and other.takes(touching)
