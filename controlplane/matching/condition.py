"""What an entry asks of a request. A new kind of entry says it in `asked`, and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from controlplane.plan.precedence import headers, query
from language.matches import How, TextMatch
from language.paths import PathPattern

Name: TypeAlias = tuple[str, str]
"""`header` or `query`, and the name of one."""

Condition: TypeAlias = tuple[tuple[str, str, TextMatch], ...]
"""Sorted (kind, name, match) of what a request must carry, or must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request must be: no `methods` are all; with `others`, all but these."""

    path: PathPattern
    methods: tuple[str, ...] = ()
    others: bool = False
    condition: Condition = ()

    def takes(self, method: str) -> bool:
        """Whether requests of a method are meant."""
        return not self.methods or (method in self.methods) != self.others

    @property
    def exact(self) -> bool:
        """Whether there is no match but of exact text, and no expression."""
        return not self.path.is_regex and all(m.how is How.EXACT for _, _, m in self.condition)


def asked(entry: Entry) -> Asked:
    """What an entry asks of a request."""
    match entry:
        case MethodNotAllowed():
            return Asked(path=entry.path, methods=entry.allow, others=True)
        case Preflight():
            return Asked(path=entry.path, methods=("OPTIONS",), condition=_preflight(entry))
        case PlannedRoute():
            pairs = [("header", n, v) for n, v in headers(entry.route)]
            pairs += [("query", n, v) for n, v in query(entry.route)]
            return Asked(
                path=entry.route.path,
                methods=entry.route.match.methods,
                condition=tuple(sorted(pairs)),
            )


def _preflight(entry: Preflight) -> Condition:
    """What makes an OPTIONS a preflight that an entry answers.

    One method that it asks about is said as it is; of several no single match can be more than
    that there is one.
    """
    one = entry.methods[0] if len(entry.methods) == 1 else None
    method = TextMatch(How.PRESENT) if one is None else TextMatch(How.EXACT, one)
    return (
        ("header", "access-control-request-method", method),
        ("header", "origin", TextMatch(How.PRESENT)),
    )


def pattern(entry: Entry) -> PathPattern:
    """The path that an entry matches."""
    return asked(entry).path


def condition(entry: Entry) -> Condition:
    """What a request must carry besides its path and method."""
    return asked(entry).condition


def takes(entry: Entry, method: str) -> bool:
    """Whether an entry matches a request of this method; a 405 is for those not allowed."""
    return asked(entry).takes(method)


def met(wanted: Condition, has: Mapping[Name, str]) -> bool:
    """Whether a request that carries these is what is wanted."""
    return all(match.takes(has.get((kind, name))) for kind, name, match in wanted)
