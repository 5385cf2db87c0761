"""All that Envoy refuses in a snapshot, found one after the other, each without those before it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from controlplane.gate.bisect import RUNS, Found, search
from controlplane.gate.proof import TYPES, Proof
from controlplane.gate.validate import Run
from controlplane.gate.verdicts import Cause, Unproved
from controlplane.snapshot import Subject

MOST = 32
"""How many causes are told at most."""

SECONDS = 10.0
"""How long they are searched for at most."""

MORE_SECONDS = 3.0
"""How long the warm Envoy is asked for more of them once one is found."""

ALONE = 16
"""How many that are blamed together are each tried alone, before all of them are searched."""

Ask = Callable[[Collection[Subject]], Awaitable[Run | Unproved]]
"""Asks Envoy about some units, with stand-ins for all others."""


@dataclass(slots=True, kw_only=True)
class Search:
    """A search under way. `whole` was refused; `left` are the units that are not found guilty.

    `enough` is when nothing more is searched for once something is found, `deadline` the end.
    """

    whole: Proof
    ask: Ask
    enough: float
    deadline: float
    left: tuple[Subject, ...]

    async def causes(self, first: Run) -> tuple[tuple[Cause, ...], bool]:
        """Give the causes, and whether they are all. `first` is what was said of the whole."""
        found: list[Cause] = []
        said: Run | Unproved = first
        while isinstance(said, Run) and not said.accepted:
            if len(found) >= MOST or (found and _now() > self.enough):
                return tuple(found), False
            new = await self._narrowed(said)
            found += new[: MOST - len(found)]
            guilty = frozenset(unit for cause in new for unit in cause.certain)
            if not guilty:
                return tuple(found), False
            self.left = tuple(unit for unit in self.left if unit not in guilty)
            said = await self.ask(self.left)
        return tuple(found), isinstance(said, Run)

    async def _narrowed(self, said: Run) -> list[Cause]:
        """Find what made Envoy say something, at least one cause of it."""
        blamed = self._blamed(said)
        named = [unit for unit in blamed if unit.type_url not in TYPES]
        if named:  # of such there are no stand-ins, and Envoy is asked about each alone
            return [Cause(certain=(unit,), among=(), words=said.words) for unit in named]
        if len(blamed) <= ALONE:
            alone = [cause for unit in blamed if (cause := await self._alone(unit, said))]
            if alone:
                return alone
        if blamed:
            again = await self._asked(blamed)
            if isinstance(again, Run) and not again.accepted:
                return [await self._searched(blamed, again.words)]
        return [await self._searched(self.left, said.words)]

    def _blamed(self, said: Run) -> tuple[Subject, ...]:
        """Give the units that Envoy's words are about, in their order."""
        those = frozenset(map(self.whole.unit, said.blamed))
        return tuple(unit for unit in self.left if unit in those)

    async def _alone(self, unit: Subject, said: Run) -> Cause | None:
        if len(said.blamed) > 1 and self._late():
            return None
        again = await self._asked((unit,))
        if isinstance(again, Run) and not again.accepted:
            return Cause(certain=(unit,), among=(), words=again.words)
        return None

    async def _searched(self, units: tuple[Subject, ...], words: str) -> Cause:
        """Search for the smallest refused part, with the words that Envoy has for it.

        Without an answer (or out of time) the search ends with what it knows.
        """
        steps = search(len(units), RUNS)
        asked = next(steps)
        smallest = len(units) + 1
        while True:
            run = await self._asked([units[i] for i in asked])
            refused = isinstance(run, Run) and not run.accepted
            if isinstance(run, Run) and refused and len(asked) < smallest:
                smallest, words = len(asked), run.words
            try:
                known = isinstance(run, Run) and not self._late()
                asked = steps.send(refused if known else None)
            except StopIteration as done:
                found: Found = done.value
                return Cause(
                    certain=tuple(units[i] for i in found.certain),
                    among=tuple(units[i] for i in found.among),
                    words=words,
                )

    async def _asked(self, units: Collection[Subject]) -> Run | Unproved:
        """Ask about units, beside which all is there that has no stand-in."""
        others = (unit for unit in self.left if unit.type_url not in TYPES)
        return await self.ask((*units, *others))

    def _late(self) -> bool:
        return _now() > self.deadline


def _now() -> float:
    return asyncio.get_running_loop().time()
