"""Why each entry of a virtual host stands where it does: what told it from the one before."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight, VirtualHost
from language.paths import PathPattern
from language.segments import Kind, Segment

_SHOWN = {Kind.VARIABLE: "{x}", Kind.END: "the end", Kind.REST: "/**"}


class Reason(NamedTuple):
    """An entry, and why it is not before the one that stands before it."""

    entry: Entry
    why: str


def reasons(host: VirtualHost) -> Iterator[Reason]:
    """Each entry of a host in order; of the first, what it is."""
    before: PlannedRoute | None = None
    for entry in host.entries:
        if isinstance(entry, MethodNotAllowed):
            behind = "all expressions" if entry.path.is_regex else "the routes of its path"
            yield Reason(entry, f"405 behind {behind}")
            continue
        if isinstance(entry, Preflight):
            yield Reason(entry, _preflight(entry))
            continue
        yield Reason(entry, _first(entry) if before is None else _after(before, entry))
        before = entry


def _preflight(entry: Preflight) -> str:
    if entry.route is None:
        return "403 to preflights that no route of the path is asked about"
    return "preflights before the routes of their path"


def _first(entry: PlannedRoute) -> str:
    path = entry.route.path
    if path.is_regex:
        return "first of the expressions"
    return "an exact path" if path.exact else "the most specific path"


def _after(before: PlannedRoute, entry: PlannedRoute) -> str:
    """The first thing in which two entries differ, in the words of precedence."""
    one, other = before.route, entry.route
    if one.path.rank != other.path.rank:
        return _path(one.path, other.path)
    a, b = one.match, other.match
    if bool(a.methods) != bool(b.methods):
        return "any method, after those with methods"
    for what, m, n in (
        ("header", len(a.headers), len(b.headers)),
        ("parameter", len(a.query), len(b.query)),
    ):
        if m != n:
            return f"{_count(n, what)}, after {m}"
    if before.held != entry.held:
        return "after what is held of its rank"
    if a.priority != b.priority:
        return f"priority {b.priority}, after {a.priority}"
    return "as the one before: no request matches both, or the order of their text decides"


def _path(one: PathPattern, other: PathPattern) -> str:
    if other.is_regex:
        return "an expression, after all other paths"
    if other.exact:
        return "an exact path, beside the one before"
    if one.exact:
        return "not exact, after exact paths"
    ranks = zip_longest(one.rank[1], other.rank[1], fillvalue=Segment(Kind.END, ""))
    for number, (first, second) in enumerate(ranks, 1):
        if first == second:
            continue
        if first.kind is second.kind:
            return f"/{second.text} beside /{first.text} at segment {number}"
        return f"{_segment(second)} after {_segment(first)} at segment {number}"
    return "as the one before"


def _segment(segment: Segment) -> str:
    return f"'{segment.text}'" if segment.kind is Kind.LITERAL else _SHOWN[segment.kind]


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
