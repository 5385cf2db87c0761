"""What arrives: which paths and values there are that an expression can be compared with."""

import re

from language.automata import UnreadExpressionError
from language.examples import example

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
    try:
        return example((arriving, _unbounded(expression)), unwanted) is None
    except UnreadExpressionError:
        return False


def _unbounded(expression: str) -> str:
    r"""An expression without `\b` and the like: what it matches, and perhaps more."""
    return _WIDTHLESS.sub(lambda e: "(?:)" if e[1] else e[0], expression)
