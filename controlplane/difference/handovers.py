"""Which requests another entry answers, or the same one otherwise: each pair with a request.

Only an entry that is new, gone or changed can make a difference: of two that are neither, the one
that came first still does. So those are tried alone, and beside all that one request of theirs
could meet on the other side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from controlplane.difference.hosts import Region
from controlplane.difference.pairing import Pairing, alike, paired
from controlplane.difference.requests import Allowance, Trials
from controlplane.difference.search import UnsaidError, sought
from controlplane.matching.condition import Asked, asked
from controlplane.matching.request import Request
from controlplane.matching.table import Table
from controlplane.plan.plan import Entry, Preflight, VirtualHost


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """That of all requests like this the answerer is `before`, and now `after`; None: a 404."""

    request: Request
    before: Entry | None
    after: Entry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A region's entries in pairs, what passed over, and which of `after` none reaches any more.

    `shadowed` are pairs of positions of a route that is there on both sides. `stopped` is where no
    more requests could be tried: of this entry and those that would have followed nothing is said.
    `unsaid` are answerers that a request may pass between, or none may: nobody can say.
    """

    before: tuple[Entry, ...]
    after: tuple[Entry, ...]
    pairing: Pairing
    passed: tuple[Passed, ...]
    shadowed: tuple[tuple[int, int], ...]
    stopped: Entry | None
    unsaid: tuple[tuple[Entry | None, Entry | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Entries as requests of one kind meet them.

    `answering` are those of a virtual host that may take one, `asking` is what each asks of it;
    `alike` is whether two of a pair stand in the same order and do the same.
    """

    answering: Callable[[VirtualHost | None], tuple[Entry, ...]]
    asking: Callable[[Entry], Asked]
    alike: Callable[[Entry, Entry], bool]


def compared(region: Region, allowance: Allowance, view: View | None = None) -> Compared:
    """Compare the entries of a region, with as many requests as are allowed."""
    seen = view or _REQUESTS
    before, after = seen.answering(region.before), seen.answering(region.after)
    pairing = paired(before, after)
    found = _Trying(before, after, pairing, allowance, seen)
    passed = tuple(found.passed())
    return Compared(
        before=before,
        after=after,
        pairing=pairing,
        passed=passed,
        shadowed=tuple(found.shadowed()) if passed else (),
        stopped=found.stopped,
        unsaid=tuple(found.unsaid()),
    )


_Positions: TypeAlias = tuple[int | None, int | None]


class _SpentError(Exception):
    """No more requests may be tried."""


def _answering(host: VirtualHost | None) -> tuple[Entry, ...]:
    """The entries without those for preflights, which are compared by themselves."""
    every = () if host is None else host.entries
    return tuple(one for one in every if not isinstance(one, Preflight))


_REQUESTS = View(answering=_answering, asking=asked, alike=alike)


class _Trying:
    """Two tables, and what is already known of pairs of their entries."""

    def __init__(
        self,
        before: tuple[Entry, ...],
        after: tuple[Entry, ...],
        pairing: Pairing,
        allowance: Allowance,
        view: View,
    ) -> None:
        self.stopped: Entry | None = None
        self._allowance = allowance
        self._pairing = pairing
        self._changed = [(b, a) for b, a in pairing.pairs if not view.alike(before[b], after[a])]
        self._idle = not (self._changed or pairing.gone or pairing.come)
        nothing: tuple[Entry, ...] = ()
        self._before = Table(nothing if self._idle else before, view.asking)
        self._after = Table(nothing if self._idle else after, view.asking)
        self._trials = Trials(self._before, self._after)
        self._winners: dict[Request, _Positions] = {}
        self._same = set(pairing.pairs) - set(self._changed)
        self._found: dict[_Positions, Request] = {}
        self._unsaid: dict[_Positions, None] = {}

    def passed(self) -> Iterator[Passed]:
        if self._idle:
            return
        for one, other in self._wanted():
            if (one, other) in self._found:
                continue
            try:
                self._try(one, other)
            except UnsaidError:
                self._unsaid[one, other] = None
            except _SpentError:
                self.stopped = self._entry(one, other)
                break
        for positions, request in self._found.items():
            if positions not in self._same and positions != (None, None):
                before, after = self._entries(positions)
                yield Passed(request=request, before=before, after=after)

    def unsaid(self) -> Iterator[tuple[Entry | None, Entry | None]]:
        """Pairs of which nobody can say whether a request passes from one to the other."""
        for positions in self._unsaid:
            if positions not in self._found and positions not in self._same:
                yield self._entries(positions)

    def shadowed(self) -> Iterator[tuple[int, int]]:
        """Routes that answered some requests, and answer none any more."""
        taken_over = {one for one, other in self._winners.values() if one is not None}
        for one, other in self._pairing.pairs:
            if one in taken_over and not self._reached(self._after, other):
                yield one, other

    def _wanted(self) -> Iterator[_Positions]:
        """The pairs that there could be, of which one at least is not as it was."""
        for one in chain((b for b, _ in self._changed), self._pairing.gone):
            for other in self._after.meeting(self._before.asked[one]):
                yield one, other
            yield one, None
        for other in chain((a for _, a in self._changed), self._pairing.come):
            for one in self._before.meeting(self._after.asked[other]):
                yield one, other
            yield None, other

    def _try(self, one: int | None, other: int | None) -> None:
        """Try requests of a pair until one has it as its answerers."""
        first = self._asked(one, other)
        second = first if other is None else self._after.asked[other]

        def third(request: Request) -> Asked | None:
            if not self._allowance.spend():
                raise _SpentError
            winners = self._winners.get(request)
            if winners is None:
                winners = (self._before.winner(request), self._after.winner(request))
                self._winners[request] = winners
            self._found.setdefault(winners, request)
            before = _instead(self._before, one, winners[0])
            return before or _instead(self._after, other, winners[1])

        sought(self._trials, first, second, third)

    def _asked(self, one: int | None, other: int | None) -> Asked:
        return self._after.asked[other or 0] if one is None else self._before.asked[one]

    def _entry(self, one: int | None, other: int | None) -> Entry:
        return self._after.entries[other or 0] if one is None else self._before.entries[one]

    def _entries(self, positions: _Positions) -> tuple[Entry | None, Entry | None]:
        one, other = positions
        return (
            None if one is None else self._before.entries[one],
            None if other is None else self._after.entries[other],
        )

    def _reached(self, table: Table, position: int) -> bool:
        """Whether a request is left for an entry, or nobody can say."""
        asked = table.asked[position]
        try:
            found = sought(
                self._trials, asked, asked, lambda r: _instead(table, position, table.winner(r))
            )
        except UnsaidError:
            return True
        return found is not None


def _instead(table: Table, wanted: int | None, winner: int | None) -> Asked | None:
    """Who takes a request in place of the one that it was made for, if not that one."""
    if winner == wanted:
        return None
    if winner is None or (wanted is not None and winner > wanted):
        raise UnsaidError  # it is not one that the wanted entry matches
    return table.asked[winner]
