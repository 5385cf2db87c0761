"""Which pages of a host some path of a pattern comes to: asked of the pattern and the dispatcher.

How pages were cut is not asked: only how the paths of each begin, the longest beginning first.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from controlplane.matching.crossing import beginning
from language.automata import Automaton, States, UnreadExpressionError, automaton
from language.paths import PathPattern
from language.regexes import opening

Pages = frozenset[str]
"""Pages, each by how its paths begin."""

KEPT = 16_384


@dataclass(slots=True)
class _Node:
    """A beginning of paths; `page` is the nearest that has it, None where there is none."""

    page: str | None
    below: "dict[str, _Node]" = field(default_factory=dict)


def pages_of(path: PathPattern, begins: Pages) -> Pages:
    """The pages of a host at which a request for the pattern may arrive."""
    if len(begins) < 2:  # there is no other
        return begins
    if path.text_alone:
        return _of_text(path.literal, begins, rest=path.rest is not None)
    begin = beginning(path).decode()
    node, page = _walked(begin, begins)
    if begin and not (node and node.below):  # so all its paths come to one
        return frozenset() if page is None else frozenset({page})
    return _of_expression(path.regex, begins)


@lru_cache(maxsize=KEPT)
def _of_text(text: str, begins: Pages, *, rest: bool) -> Pages:
    """Of one text, and of what follows it after a slash where that is its rest."""
    below = {one for one in begins if one.startswith(f"{text}/")} if rest else set()
    return frozenset(below | _holding(text, begins))


def _holding(text: str, begins: Pages) -> set[str]:
    """The page that a path comes to, none where there is none."""
    _, page = _walked(text, begins)
    return set() if page is None else {page}


def _walked(text: str, begins: Pages) -> tuple[_Node | None, str | None]:
    """Where a text leads, None where no page begins so, and the page of what begins so."""
    node, page = _tree(begins), None
    for char in text:
        if char not in node.below:
            return None, page
        node = node.below[char]
        page = node.page
    return node, page


@lru_cache(maxsize=KEPT)
def _of_expression(expression: str, begins: Pages) -> Pages:
    try:
        read = automaton(expression)
    except UnreadExpressionError:
        return _between(expression, begins)
    found: set[str] = set()
    waiting = [(_tree(begins), read.start)]
    while waiting:
        node, states = waiting.pop()
        if node.page is not None and node.page not in found and _stays(read, states, node):
            found.add(node.page)
        for char, below in node.below.items():
            after = read.step(states, ord(char))
            if after:
                waiting.append((below, after))
    return frozenset(found)


def _stays(read: Automaton, states: States, node: _Node) -> bool:
    """Whether a path ends here, or goes on where no page further on begins."""
    if read.accepts(states):
        return True
    taken = {ord(char) for char in node.below}
    for cut in read.cuts(states):
        free = next(one for one in range(cut, cut + len(taken) + 1) if one not in taken)
        if read.step(states, free):
            return True
    return False


def _between(expression: str, begins: Pages) -> Pages:
    """Of an expression of which no more is known than how all its paths begin."""
    text = opening(expression)
    if not text:
        return begins
    below = {one for one in begins if one.startswith(text)}
    return frozenset(below | _holding(text, begins))


@lru_cache(maxsize=1024)
def _tree(begins: Pages) -> _Node:
    root = _Node(None)
    for one in sorted(begins):  # the shorter first: the longer have its page until they differ
        node = root
        for char in one:
            node = node.below.setdefault(char, _Node(node.page))
        node.page = one
    return root
