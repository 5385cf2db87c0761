"""The gate's shell: it asks the Envoy that is there what `proof` and `causes` want to know.

    async with Gate(envoy=Path("/usr/bin/envoy")) as gate:
        verdict = await gate.prove(snapshot)

Entered, it has a warm Envoy. Each question goes to that one first and, where it gives no answer, to
`envoy --mode validate`; a gate that nobody enters has only that.
"""

import asyncio
import functools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import structlog

from controlplane.gate.asking import Asking
from controlplane.gate.ledger import Ledger
from controlplane.gate.validate import Bounds, end
from controlplane.gate.verdicts import Passed, Unproved, Verdict
from controlplane.prover.standby import Means, Standby
from controlplane.snapshot import Snapshot

FORM = "4"
"""Part of a verdict's key: raise it when a proof changes what it proves."""

VERSION_SECONDS = 5.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Gate:
    """Proves snapshots with one Envoy program.

    `envoy` is None where there is none: each verdict is then unproved. `folder` is where verdicts
    outlive the process, None for nowhere. `reads` are files that resources name: a verdict holds
    for what is in them too. `namespace`: the warm Envoy may run in a network of its own; without
    it is shown a copy from which is taken what would reach others.
    """

    envoy: Path | None
    folder: Path | None = None
    reads: tuple[Path, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)
    namespace: bool = True
    _ledger: Ledger = field(init=False, repr=False)
    _standby: Standby | None = field(init=False, repr=False, default=None)
    _lock: asyncio.Lock = field(init=False, repr=False, default_factory=asyncio.Lock)
    _version: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._ledger = Ledger(self.folder)

    async def __aenter__(self) -> Self:
        """Start a warm Envoy in the background."""
        if self.envoy is not None:
            means = Means(
                envoy=self.envoy,
                namespace=self.namespace,
                memory=self.bounds.memory,
                resident=self.bounds.resident,
            )
            self._standby = await Standby(means).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        if self._standby is not None:
            standby, self._standby = self._standby, None
            await standby.__aexit__()

    def prover_memory(self) -> int | None:
        """Give the resident bytes of the warm Envoy, None where there is none."""
        return self._standby.resident if self._standby else None

    async def prove(self, snapshot: Snapshot) -> Verdict:
        """Prove one snapshot; several at a time would only slow each other down."""
        if self.envoy is None:
            return Unproved(reason="there is no Envoy to prove it with")
        version = await self._envoy_version(self.envoy)
        if isinstance(version, Unproved):
            return version
        async with self._lock:
            seen = await asyncio.to_thread(_prints, self.reads)
            rest = f"{snapshot.version} {version} {seen}"
            asking = Asking(envoy=self.envoy, bounds=self.bounds, snapshot=snapshot)
            if self._standby is not None:
                ask = functools.partial(asking.by_prover, self._standby)
                key = functools.partial(_prover_key, self._standby, rest)
                verdict = await self._known(key, ask)
                if not isinstance(verdict, Unproved):
                    return verdict
                _log.info("proved without the warm Envoy", why=verdict.reason)
            return await self._known(lambda: f"{FORM} validate {rest}", asking.by_validate)

    async def _known(
        self, key: Callable[[], str], ask: Callable[[], Awaitable[Verdict]]
    ) -> Verdict:
        """Give the verdict that was given before, or ask for one.

        Only the answer says what gave it, so the key that it is kept by is made after it.
        """
        known = self._ledger.get(key())
        if known is not None:
            return known
        verdict = await ask()
        if isinstance(verdict, Unproved):
            return verdict
        verdict = replace(verdict, software=verdict.software or _software(self._version))
        if isinstance(verdict, Passed) or verdict.complete:
            await asyncio.to_thread(self._ledger.put, key(), verdict)
        return verdict

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


def _prover_key(standby: Standby, rest: str) -> str:
    return f"{FORM} prover {'walled' if standby.walled else 'open'} {rest}"


def _software(version: str) -> str:
    """Give what an Envoy calls itself on a stream by its `--version`, empty where it is unlike."""
    found = re.search(r"/(\d+\.\d+\.\d+)[^/]*/", version)
    return f"envoy/{found[1]}" if found else ""


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
