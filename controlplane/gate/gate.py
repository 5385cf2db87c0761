"""The gate's shell: it runs what `proof` and `search` ask for, and remembers the verdict."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.gate.bisect import RUNS, Found, search
from controlplane.gate.ledger import Ledger
from controlplane.gate.proof import Proof, proof
from controlplane.gate.validate import Bounds, Run, end, validate
from controlplane.gate.verdicts import Passed, Refused, Unproved, Verdict
from controlplane.snapshot import Snapshot

FORM = "1"
"""Part of a verdict's key: raise it when a proof changes what it proves."""

VERSION_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Gate:
    """Proves snapshots with one Envoy program.

    `envoy` is None where there is none: each verdict is then unproved. `folder` is where verdicts
    outlive the process, None for nowhere. `reads` are files that resources name: a verdict holds
    for what is in them too.
    """

    envoy: Path | None
    folder: Path | None = None
    reads: tuple[Path, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)
    _ledger: Ledger = field(init=False, repr=False)
    _version: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.folder)

    async def prove(self, snapshot: Snapshot) -> Verdict:
        """Prove one snapshot; several at a time would only slow each other down."""
        if self.envoy is None:
            return Unproved(reason="there is no Envoy to prove it with")
        version = await self._envoy_version(self.envoy)
        if isinstance(version, Unproved):
            return version
        seen = await asyncio.to_thread(_prints, self.reads)
        key = f"{FORM} {snapshot.version} {version} {seen}"
        verdict: Verdict | None = self._ledger.get(key)
        if verdict is None:
            verdict = await self._prove(self.envoy, proof(snapshot))
            if not isinstance(verdict, Unproved):
                await asyncio.to_thread(self._ledger.put, key, verdict)
        return verdict

    async def _prove(self, envoy: Path, whole: Proof) -> Verdict:
        run = await self._run(envoy, whole, whole.whole())
        if isinstance(run, Unproved):
            return run
        if run.accepted:
            return Passed()
        found, words = await self._isolate(envoy, whole, run.words)
        return Refused(
            certain=tuple(whole.units[i] for i in found.certain),
            among=tuple(whole.units[i] for i in found.among),
            words=words,
        )

    async def _isolate(self, envoy: Path, whole: Proof, words: str) -> tuple[Found, str]:
        """Search for the cause, with the words that Envoy has for the smallest refused part.

        Without an answer (or out of time) the search ends with what it knows.
        """
        steps = search(len(whole.units))
        asked = next(steps)
        smallest = len(whole.units) + 1
        deadline = time.monotonic() + RUNS * self.bounds.seconds
        while True:
            run = await self._run(envoy, whole, whole.of(whole.units[i] for i in asked))
            refused = isinstance(run, Run) and not run.accepted
            if isinstance(run, Run) and refused and len(asked) < smallest:
                smallest, words = len(asked), run.words
            answered = isinstance(run, Run) and time.monotonic() < deadline
            try:
                asked = steps.send(refused if answered else None)
            except StopIteration as done:
                return done.value, words

    async def _run(self, envoy: Path, whole: Proof, bootstrap: bytes) -> Run | Unproved:
        seconds = self.bounds.seconds + self.bounds.seconds_per_unit * len(whole.units)
        run = await validate(envoy, bootstrap, seconds, self.bounds.memory)
        if isinstance(run, Run) and run.crashed:
            # A crash accuses a file only if it comes of the file, and so comes again.
            run = await validate(envoy, bootstrap, seconds, self.bounds.memory)
        return run

    async def _envoy_version(self, envoy: Path) -> str | Unproved:
        """Ask `envoy --version`, once: a verdict holds for one build of Envoy."""
        if not self._version:
            try:
                child = await asyncio.create_subprocess_exec(
                    *(str(envoy), "--version"),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                )
            except OSError as error:
                return Unproved(reason=f"{envoy} cannot be run: {error.strerror}")
            try:
                async with asyncio.timeout(VERSION_SECONDS):
                    said, _ = await child.communicate()
            except TimeoutError:
                return Unproved(reason=f"{envoy} --version gave no answer")
            finally:
                await end(child)
            self._version = said.decode(errors="replace").partition("version:")[2].strip()
        return self._version


def _prints(files: tuple[Path, ...]) -> str:
    """What tells one content of files from another, without reading them."""
    found = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found.append("none")
        else:
            found.append(f"{status.st_ino}.{status.st_size}.{status.st_mtime_ns}")
    return " ".join(found)
