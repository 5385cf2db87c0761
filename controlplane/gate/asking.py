"""One proof under way: the questions that it needs, put to the warm Envoy or to a fresh one."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.gate.bisect import RUNS
from controlplane.gate.causes import MORE_SECONDS, SECONDS, Ask, Search
from controlplane.gate.proof import Proof, proof
from controlplane.gate.validate import Bounds, Run, validate
from controlplane.gate.verdicts import Passed, Refused, Unproved, Verdict
from controlplane.prover.answer import Answer, Opposed, Taken
from controlplane.prover.standby import Standby
from controlplane.snapshot import Snapshot, Subject


@dataclass(slots=True, kw_only=True)
class Asking:
    """The proof of one snapshot by one Envoy program."""

    envoy: Path
    bounds: Bounds
    snapshot: Snapshot
    _proof: Proof | None = field(init=False, default=None)

    async def by_prover(self, standby: Standby) -> Verdict:
        """Ask the warm Envoy; unproved where it gives no answer."""
        answer = await standby.ask(self.snapshot, self.bounds.seconds)
        if isinstance(answer, Taken):
            return Passed(how="prover", software=answer.software, replaced=answer.replaced)
        run = _run(answer)
        if isinstance(run, Unproved):
            return run
        asked: Standby | None = standby

        async def ask(units: Collection[Subject]) -> Run | Unproved:
            """Ask it about a part, or once it is lost, a fresh one."""
            nonlocal asked
            if asked is not None:
                part = await asyncio.to_thread(lambda: whole.part(units).snapshot())
                said = _run(await asked.ask(part, self.bounds.seconds))
                if isinstance(said, Run):
                    return said
                asked = None
            return await self._validated(whole, units)

        whole = await self._whole()
        search = _search(whole, ask, MORE_SECONDS, SECONDS)
        found, complete = await search.causes(run)
        await standby.restore(self.bounds.seconds)
        software = answer.software if isinstance(answer, Opposed) else ""
        return Refused(causes=found, complete=complete, how="prover", software=software)

    async def by_validate(self) -> Verdict:
        """Ask fresh ones; unproved where they give no answer."""
        whole = await self._whole()

        async def ask(units: Collection[Subject]) -> Run | Unproved:
            return await self._validated(whole, units)

        run = await ask(whole.units)
        if isinstance(run, Unproved):
            return run
        if run.accepted:
            return Passed(how="validate")
        search = _search(whole, ask, SECONDS, max(SECONDS, RUNS * self.bounds.seconds))
        found, complete = await search.causes(run)
        return Refused(causes=found, complete=complete, how="validate")

    async def _whole(self) -> Proof:
        if self._proof is None:
            self._proof = await asyncio.to_thread(proof, self.snapshot)
        return self._proof

    async def _validated(self, whole: Proof, units: Collection[Subject]) -> Run | Unproved:
        seconds = self.bounds.seconds + self.bounds.seconds_per_unit * len(whole.units)
        bootstrap = await asyncio.to_thread(whole.of, units)
        run = await validate(self.envoy, bootstrap, seconds, self.bounds.memory)
        if isinstance(run, Run) and run.crashed:
            # A crash accuses a file only if it comes of the file, and so comes again.
            run = await validate(self.envoy, bootstrap, seconds, self.bounds.memory)
        return run


def _search(whole: Proof, ask: Ask, more: float, seconds: float) -> Search:
    now = asyncio.get_running_loop().time()
    enough, deadline = now + more, now + seconds
    return Search(whole=whole, ask=ask, enough=enough, deadline=deadline, left=whole.units)


def _run(answer: Answer) -> Run | Unproved:
    match answer:
        case Taken():
            return Run(words="")
        case Opposed():
            return Run(words=answer.words or "no words", blamed=answer.blamed)
        case _:
            return Unproved(reason=answer.reason)
