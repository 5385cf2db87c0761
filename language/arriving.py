"""What arrives: which paths and values there are that an expression can be compared with."""

import re

from language.automata import UnreadExpressionError, automaton
from language.examples import example
from language.regexes import matches

PATH = r"/[!$-;=@-Z\[\]_a-z~]*"
NO_PATHS = (r".+//.*|.*//.+", r".*/\.\.?(?:/.*)?", r".*%(?:2[fF]|5[cC]).*")
"""What a normalised path is, and what it never has; Envoy leaves `//` alone as it is."""

HEADER = r"(?:[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?"
"""What the value of a header may be: there is no space around it."""

PARAMETER = r"[^\x00-\x20\x7f&#]*"
"""What the value of a parameter may be, as it is sent."""

_WIDTHLESS = re.compile(r"\\Q.*?\\E|\\([bBAz])|\\.", re.DOTALL)


def never(expression: str, arriving: str, unwanted: tuple[str, ...] = ()) -> bool:
    """Whether surely nothing that arrives is matched by an expression: False in doubt."""
    more = _unbounded(expression)
    try:
        # most expressions have a text that arrives at hand: half a millisecond in place of four
        near = automaton(more).text_of(automaton(arriving).alphabet)
        if near is None:
            return True
        if matches(arriving, near) and not any(matches(one, near) for one in unwanted):
            return False
        return example((arriving, more), unwanted) is None
    except UnreadExpressionError:
        return False


def _unbounded(expression: str) -> str:
    r"""An expression without `\b` and the like: what it matches, and perhaps more."""
    return _WIDTHLESS.sub(lambda e: "(?:)" if e[1] else e[0], expression)
