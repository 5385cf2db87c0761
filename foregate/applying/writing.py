"""What is written down of a version: what it was made of, what proved it, who has it."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from controlplane.gate.verdicts import Passed
from controlplane.history.version import Fate, KeptFile, KeptPart, NodeFate, Note
from controlplane.isolation.isolated import Kept
from controlplane.seen.fleet import NodeView
from controlplane.xds.world import ENVOY
from foregate.applying.archive import Archive
from foregate.applying.change import Change
from foregate.applying.proving import Proved
from foregate.origin import Origin


@dataclass(slots=True, kw_only=True)
class Writing:
    """Writes versions into the history; `origin` gives git's author and commit, and blocks."""

    archive: Archive
    origin: Callable[[], Origin]
    _noted: tuple[int | None, Fate, Mapping[str, str]] = field(
        default=(None, "published", MappingProxyType({}))
    )

    async def record(
        self, change: Change, ready: Proved | None, lifted: tuple[str, ...]
    ) -> int | None:
        """Write a version down before anybody is offered it; give its number."""
        if change.recorded is not None or ready is None:
            return change.recorded
        origin = await asyncio.to_thread(self.origin)
        note = Note(
            seen=change.seen,
            files=_kept_files(change),
            kind=change.kind,
            of=change.of,
            author=origin.author,
            commit=origin.commit,
            proof=proof_words(ready),
            by=change.asked.by,
            lifted=lifted,
            parts=tuple(map(_part, ready.kept)),
        )
        return await self.archive.record(change.build, note)

    async def settle(self, number: int | None, fate: Fate, fleet: Iterable[NodeView]) -> None:
        """Write down what became of a version, and who has it, where that is news."""
        states = {one.node: one.state for one in fleet if one.role == ENVOY}
        if number is None or self._noted == (number, fate, states):
            return
        self._noted = (number, fate, states)
        now = time.time()
        nodes = {name: NodeFate(state=state, at=now) for name, state in states.items()}
        await self.archive.settle(number, fate, nodes)


def proof_words(ready: Proved) -> str:
    """Say in words what proved a version."""
    verdict = ready.verdict
    if not isinstance(verdict, Passed):
        return f"unproved: {verdict.reason}"
    how = "a running Envoy" if verdict.how == "prover" else "envoy --mode validate"
    words = f"{how} ({verdict.software})" if verdict.software else how
    return f"{words}, without {', '.join(verdict.replaced)}" if verdict.replaced else words


def _kept_files(change: Change) -> tuple[KeptFile, ...]:
    data = {one.name: one.data for one in change.build.sources}
    return tuple(
        KeptFile(name=f.name, home=f.home, data=data.get(f.name, b""), state=f.state)
        for f in change.files
    )


def _part(kept: Kept) -> KeptPart:
    """A part that stayed behind, as it is written down."""
    subject = kept.subject
    name = f"{subject.name}/{subject.part}" if subject.part else subject.name
    return KeptPart(name=name, state=kept.state, places=tuple(map(str, kept.places)), why=kept.why)
