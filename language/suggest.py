"""Did you mean: the name that someone who wrote another one most likely had in mind."""

from collections.abc import Iterable

_LONGEST = 64  # a longer word is no misspelled name, and comparing it would cost its square
_WHOLE = 4  # letters that a word must have for its presence in another to say something


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a word most resembles, or None where none is near.

    Spelling of compounds does not count: `per_try`, `per-try` and `PerTry` are `perTry`. Typing
    errors count one each: a letter too many, too few, another, or two exchanged; one in three
    letters is too many. Failing that, a candidate that holds the word or stands in it. Of equally
    near ones the first in the alphabet, so that the answer depends on nothing else.
    """
    if len(word) > _LONGEST:
        return None
    plain = _letters(word)
    allowed = (len(plain) + 1) // 3
    best: tuple[int, int, str] | None = None
    for candidate in candidates:
        other = _letters(candidate)
        if candidate == word or not other or len(candidate) > _LONGEST:
            continue
        apart = abs(len(other) - len(plain))
        if apart <= allowed and (distance := _distance(plain, other, allowed)) <= allowed:
            rank = (distance, apart, candidate)
        elif _holds(plain, other) or _holds(other, plain):
            rank = (_LONGEST, apart, candidate)
        else:
            continue
        best = rank if best is None else min(best, rank)
    return None if best is None else best[2]


def _letters(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").casefold()


def _holds(whole: str, part: str) -> bool:
    return len(part) >= _WHOLE and (whole.startswith(part) or whole.endswith(part))


def _distance(a: str, b: str, allowed: int) -> int:
    """Typing errors between two words (optimal string alignment), or any number above `allowed`."""
    start = 0
    while start < len(a) and start < len(b) and a[start] == b[start]:
        start += 1
    a, b = a[start:], b[start:]
    before_last: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before_last[j - 2] + 1)
            row.append(cost)
        if min(row) > allowed:
            return min(row)
        before_last, last = last, row
    return last[-1]
