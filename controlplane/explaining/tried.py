"""The entries of a virtual host, made to be tried in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from controlplane.explaining.arriving import Arrived
from controlplane.explaining.preflight import answers
from controlplane.explaining.told import Condition, Failed, Lost
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from language.matches import TextMatch
from language.paths import PathPattern
from language.regexes import matches
from language.segments import Kind

MOST_LOST = 1000
"""How many routes that lost are kept: more routes of one path than anybody reads."""


class Step(NamedTuple):
    """An entry with what its path is compared with: a text, a beginning, or an expression.

    An expression has a `beginning` too, which is looked at first.
    """

    exact: str | None
    beginning: str
    regex: str
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of trying: who answers, and who did not though the path is right."""

    winner: Entry | None
    lost: tuple[Lost, ...]


def steps(entries: tuple[Entry, ...]) -> tuple[Step, ...]:
    """Make entries ready."""
    return tuple(_step(entry) for entry in entries)


def tried(ready: tuple[Step, ...], request: Arrived) -> Tried:
    """Try one after the other, as Envoy does, until one takes the request."""
    lost: list[Lost] = []
    for step in ready:
        if not _fits(step, request.path):
            continue
        entry = step.entry
        if isinstance(entry, MethodNotAllowed):
            if request.method not in entry.allow:
                return Tried(winner=entry, lost=tuple(lost))
            continue
        if isinstance(entry, Preflight):
            if answers(entry, request):
                return Tried(winner=entry, lost=tuple(lost))
            continue
        failed = first_failed(entry, request)
        if failed is None:
            return Tried(winner=entry, lost=tuple(lost))
        if len(lost) < MOST_LOST:
            lost.append(Lost(route=entry, failed=failed))
    return Tried(winner=None, lost=tuple(lost))


def first_failed(planned: PlannedRoute, request: Arrived) -> Failed | None:
    """The first condition besides the path that a request misses."""
    match = planned.route.match
    if match.methods and request.method not in match.methods:
        wanted = ", ".join(match.methods)
        return Failed(condition=Condition.METHOD, wanted=wanted, had=(request.method,))
    for name, text in match.headers.items():
        values = request.headers.get(name, ())
        if not any(text.takes(value) for value in values or (None,)):
            return _failed(Condition.HEADER, name, text, values)
    for name, text in match.query.items():
        value = request.parameters.get(name)
        if not text.takes(value):
            return _failed(Condition.QUERY, name, text, () if value is None else (value,))
    return None


def nearest_path(ready: tuple[Step, ...], request: Arrived) -> Lost | None:
    """The route whose path goes along with the request's for the most segments."""
    parts = request.path[1:].split("/")
    best: tuple[tuple[int, int], PlannedRoute] | None = None
    for planned in _begun_alike(ready, parts)[:MOST_LOST]:
        near = _along(planned.route.path, parts)
        if near[0] and (best is None or near > best[0]):
            best = (near, planned)
    if best is None:
        return None
    wanted = best[1].route.path.text
    return Lost(
        route=best[1],
        failed=Failed(condition=Condition.PATH, wanted=wanted, had=(request.path,)),
    )


def _begun_alike(ready: tuple[Step, ...], parts: list[str]) -> list[PlannedRoute]:
    """The routes whose paths share the longest beginning with a path, as text."""
    for count in range(len(parts), 0, -1):
        beginning = "/" + "/".join(parts[:count])
        alike = [s.entry for s in ready if (s.exact or s.beginning).startswith(beginning)]
        found = [entry for entry in alike if isinstance(entry, PlannedRoute)]
        if found:
            return found
    return []


def _failed(what: Condition, name: str, wanted: TextMatch, had: tuple[str, ...]) -> Failed:
    return Failed(condition=what, name=name, wanted=wanted.shown, had=had)


def _along(pattern: PathPattern, parts: list[str]) -> tuple[int, int]:
    """How many segments agree, and how many are too many or missing after them (negative)."""
    agreed = 0
    for segment, part in zip(pattern.segments, parts, strict=False):
        literal = segment.kind is Kind.LITERAL and segment.text == part
        variable = segment.kind is Kind.VARIABLE and part and agreed
        if not literal and not variable:
            break
        agreed += 1
    return agreed, -abs(len(pattern.segments) - len(parts))


def _fits(step: Step, path: str) -> bool:
    """Whether the path is right; what costs little is looked at first."""
    exact, beginning, regex, _ = step
    if exact is not None:
        return path == exact
    if not path.startswith(beginning):
        return False
    if regex:
        return matches(regex, path)
    return path[len(beginning) : len(beginning) + 1] in {"", "/"}


def _step(entry: Entry) -> Step:
    path = entry.route.path if isinstance(entry, PlannedRoute) else entry.path
    if not path.text_alone:
        return Step(None, _beginning(path), path.regex, entry)
    if path.rest is None:
        return Step(path.literal, "", "", entry)
    return Step(None, path.literal, "", entry)


def _beginning(path: PathPattern) -> str:
    """What each path begins with that an expression matches, as far as it is text."""
    return "".join(_texts(path))


def _texts(path: PathPattern) -> Iterator[str]:
    for segment in path.fixed:
        if segment.kind is not Kind.LITERAL or "%" in segment.text:
            return
        yield "/" + segment.text
