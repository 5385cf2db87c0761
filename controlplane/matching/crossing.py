"""Whether a path could match an expression and another pattern, by how both begin."""

from language.matches import How, TextMatch
from language.paths import PathPattern
from language.regexes import bounds, matches
from language.relations import meets
from language.segments import Kind


def beginning(path: PathPattern) -> bytes:
    """What every path that a pattern matches begins with; nothing is known of an expression."""
    text = ""
    for segment in path.segments:
        if segment.kind in {Kind.REST, Kind.REGEX}:  # `/a/**` matches `/a`
            break
        text += "/"
        if segment.kind is Kind.VARIABLE:
            break
        text += segment.text
    return text.partition("%")[0].encode()  # the digits of an escape have two cases


def may_match(expression: str, path: bytes) -> bool:
    """Whether a path lies where those lie that an expression matches."""
    known = bounds(expression)
    return known is None or known.low <= path <= known.high


def may_cross(expression: str, other: PathPattern, begins: bytes) -> bool:
    """Whether an expression and a pattern that begins like this may match the same path."""
    if other.is_regex:
        return meets(TextMatch(How.REGEX, expression), TextMatch(How.REGEX, other.regex))
    if other.exact and other.plain:
        return matches(expression, other.literal)
    known = bounds(expression)
    if known is None:
        return True
    return begins <= known.high and (known.low <= begins or known.low.startswith(begins))
