"""A request that two entries match, and nobody before them.

One is made that both match. Where a third entry takes it, others are made that are unlike what the
third asks, in one way or another: its method, its path, or one of its matches. A request that has
the two as its answerers is unlike each third in one of those ways, so it is found where there is
one, or it is said that nobody can say.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from controlplane.difference.requests import Trials
from controlplane.matching.condition import Asked, Condition
from controlplane.matching.request import Request
from controlplane.matching.values import path_of, value_of
from language.automata import UnreadExpressionError
from language.matches import TextMatch
from language.regexes import matches

_MOST = 100
"""How many requests are made for two entries."""

Third: TypeAlias = Callable[[Request], Asked | None]
"""Who takes a request in place of those that it was made for; None: they do."""


class UnsaidError(Exception):
    """Nobody can say whether there is such a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unlike:
    """What a request must not be: of these methods, like these paths, matched by these."""

    methods: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    matches: frozenset[tuple[str, str, TextMatch]] = frozenset()


def sought(trials: Trials, one: Asked, other: Asked, third: Third) -> Request | None:
    """A request that nobody takes from two entries; None where there is none.

    Raise UnsaidError where that is not known.
    """
    if one.exact and other.exact:
        exact = True
        for request in trials.of(one, other):
            taker = third(request)
            if taker is None:
                return request
            exact = exact and taker.exact
        if exact:
            return None
    return _searched(trials, one, other, third)


def _searched(trials: Trials, one: Asked, other: Asked, third: Third) -> Request | None:
    waiting = [_Unlike()]
    seen = set(waiting)
    tried = 0
    unsaid = False
    while waiting:
        unlike = waiting.pop()
        try:
            request = _made(trials, one, other, unlike)
        except UnreadExpressionError:
            unsaid = True
            continue
        if request is None:
            continue
        tried += 1
        taker = third(request)
        if taker is None:
            return request
        if tried == _MOST:
            raise UnsaidError
        for further in _further(unlike, taker, trials.methods(taker, taker)):
            if further not in seen:
                seen.add(further)
                waiting.append(further)
    if unsaid:
        raise UnsaidError
    return None


def _further(unlike: _Unlike, taker: Asked, methods: list[str]) -> Iterator[_Unlike]:
    """The ways in which a request is not one that a taker takes, beside what it is not already."""
    yield replace(unlike, methods=unlike.methods | set(methods))
    yield replace(unlike, paths=unlike.paths | {taker.path.regex})
    for one in taker.condition:
        yield replace(unlike, matches=unlike.matches | {one})


def _made(trials: Trials, one: Asked, other: Asked, unlike: _Unlike) -> Request | None:
    """A request that two entries match and that is unlike all this; None: there is none."""
    methods = [m for m in trials.methods(one, other) if m not in unlike.methods]
    wanted = {*one.condition, *other.condition}
    if not methods or wanted & unlike.matches or {one.path.regex, other.path.regex} & unlike.paths:
        return None
    carried: dict[str, list[tuple[str, str]]] = {"header": [], "query": []}
    for kind, name in sorted({(k, n) for k, n, _ in (*wanted, *unlike.matches)}):
        value = value_of(
            kind,
            _of(kind, name, tuple(wanted)),
            _of(kind, name, tuple(unlike.matches)),
            trials.word,
        )
        if value is None:
            return None
        if value.text is not None:
            carried[kind].append((name, value.text))
    path = _path(trials, one, other, unlike.paths)
    if path is None:
        return None
    return Request(
        method=methods[0],
        path=tuple(path[1:].split("/")),
        headers=tuple(carried["header"]),
        query=tuple(carried["query"]),
    )


def _path(trials: Trials, one: Asked, other: Asked, unlike: frozenset[str]) -> str | None:
    if not (one.path.is_regex or other.path.is_regex):
        plain = "".join(f"/{segment}" for segment in next(trials.paths(one.path, other.path)))
        if not any(matches(expression, plain) for expression in unlike):
            return plain
    return path_of((one.path.regex, other.path.regex), tuple(sorted(unlike)))


def _of(kind: str, name: str, among: Condition) -> list[TextMatch]:
    return sorted(match for k, n, match in among if (k, n) == (kind, name))
