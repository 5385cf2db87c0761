"""Which requests another entry answers, or the same one otherwise: each pair with a request.

Only an entry that is new, gone or changed can make a difference: of two that are neither, the one
that came first still does. So those are tried alone, and beside all that one request of theirs
could meet on the other side.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from controlplane.difference.difference import Request
from controlplane.difference.hosts import Region
from controlplane.difference.matcher import Table
from controlplane.difference.pairing import Pairing, alike, paired
from controlplane.difference.requests import Allowance, Trials
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
    """

    before: tuple[Entry, ...]
    after: tuple[Entry, ...]
    pairing: Pairing
    passed: tuple[Passed, ...]
    shadowed: tuple[tuple[int, int], ...]
    stopped: Entry | None


def compared(region: Region, allowance: Allowance) -> Compared:
    """Compare the entries of a region, with as many requests as are allowed."""
    before, after = _answering(region.before), _answering(region.after)
    pairing = paired(before, after)
    found = _Trying(before, after, pairing, allowance)
    passed = tuple(found.passed())
    return Compared(
        before=before,
        after=after,
        pairing=pairing,
        passed=passed,
        shadowed=tuple(found.shadowed()) if passed else (),
        stopped=found.stopped,
    )


def _answering(host: VirtualHost | None) -> tuple[Entry, ...]:
    """The entries without those for preflights: what they say is the `cors` of a route."""
    every = () if host is None else host.entries
    return tuple(one for one in every if not isinstance(one, Preflight))


class _Trying:
    """Two tables, and what is already known of pairs of their entries."""

    def __init__(
        self,
        before: tuple[Entry, ...],
        after: tuple[Entry, ...],
        pairing: Pairing,
        allowance: Allowance,
    ) -> None:
        self.stopped: Entry | None = None
        self._allowance = allowance
        self._pairing = pairing
        self._changed = [(b, a) for b, a in pairing.pairs if not alike(before[b], after[a])]
        self._idle = not (self._changed or pairing.gone or pairing.come)
        nothing: tuple[Entry, ...] = ()
        self._before = Table(nothing if self._idle else before)
        self._after = Table(nothing if self._idle else after)
        self._trials = Trials(self._before, self._after)
        self._winners: dict[Request, tuple[int | None, int | None]] = {}

    def passed(self) -> Iterator[Passed]:
        if self._idle:
            return
        found: dict[tuple[int | None, int | None], Request] = {}
        same = set(self._pairing.pairs) - set(self._changed)
        for one, other in self._wanted():
            if (one, other) not in found:
                self._try(one, other, found)
            if self.stopped is not None:
                break
        for (one, other), request in found.items():
            if (one, other) not in same and (one, other) != (None, None):
                yield Passed(
                    request=request,
                    before=None if one is None else self._before.entries[one],
                    after=None if other is None else self._after.entries[other],
                )

    def shadowed(self) -> Iterator[tuple[int, int]]:
        """Routes that answered some requests, and answer none any more."""
        taken_over = {one for one, other in self._winners.values() if one is not None}
        for one, other in self._pairing.pairs:
            if one in taken_over and not self._reached(self._after, other):
                yield one, other

    def _wanted(self) -> Iterator[tuple[int | None, int | None]]:
        """The pairs that there could be, of which one at least is not as it was."""
        for one in chain((b for b, _ in self._changed), self._pairing.gone):
            for other in self._after.meeting(self._before.entries[one]):
                yield one, other
            yield one, None
        for other in chain((a for _, a in self._changed), self._pairing.come):
            for one in self._before.meeting(self._after.entries[other]):
                yield one, other
            yield None, other

    def _try(
        self,
        one: int | None,
        other: int | None,
        found: dict[tuple[int | None, int | None], Request],
    ) -> None:
        """Try requests of a pair until one has it as its answerers."""
        first = self._entry(one, other)
        second = self._after.entries[other] if other is not None else first
        for request in self._trials.of(first, second):
            if not self._allowance.spend():
                self.stopped = first
                return
            winners = self._winners.get(request)
            if winners is None:
                winners = (self._before.winner(request), self._after.winner(request))
                self._winners[request] = winners
            found.setdefault(winners, request)
            if winners == (one, other):
                return

    def _entry(self, one: int | None, other: int | None) -> Entry:
        if one is not None:
            return self._before.entries[one]
        return self._after.entries[other or 0]

    def _reached(self, table: Table, position: int) -> bool:
        entry = table.entries[position]
        return any(table.winner(r) == position for r in self._trials.of(entry, entry))
