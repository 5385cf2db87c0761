"""A control plane within the test process, before a fleet: what it has compiled can be damaged.

All is real: the files, the gate with its warm Envoy, the publisher and the applier.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from controlplane.build import Options
from controlplane.files import Sources, read_sources
from controlplane.gate.gate import Gate
from controlplane.rollout.options import PublisherOptions
from controlplane.rollout.publisher import Publisher
from controlplane.rollout.recorder import recorder
from controlplane.selection.chosen import Chosen
from controlplane.snapshot import Snapshot
from controlplane.sources import SourceFile
from foregate.applying.applier import Applier
from foregate.applying.archive import Disk
from foregate.applying.bringing import Bringer
from foregate.applying.change import Asked, Result
from foregate.applying.writing import Writing
from foregate.building import chooser
from foregate.logstage import LogStage
from foregate.origin import Origin
from foregate.parts import envoy
from tests.controlplane.gate.damage.damage import Apply
from tests.e2e.fleet import WAIT_SECONDS, Fleet

T = TypeVar("T")


def whole(snapshot: Snapshot) -> Snapshot:
    """No damage."""
    return snapshot


@dataclass(slots=True, kw_only=True)
class Control:
    """Runs on a loop of its own thread; `damage` is done to each snapshot that is compiled.

    `chosen` is what was compiled last, before the damage.
    """

    applier: Applier
    publisher: Publisher
    loop: asyncio.AbstractEventLoop
    damage: Apply = whole
    chosen: Chosen | None = None

    def bring(self, damage: Apply = whole) -> Result:
        """Bring what is saved to the fleet, damaged."""
        self.damage = damage
        return self.asked(self.applier.push(Asked()))

    def asked(self, what: Coroutine[Any, Any, T]) -> T:
        """What comes of a coroutine on the loop of the control plane."""
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(WAIT_SECONDS)


@contextmanager
def controlling(fleet: Fleet, trust_store: Path) -> Iterator[Control]:
    """Run one for a fleet, on the socket where its nodes look for it.

    Without the brake: what is damaged is to come before the gate, also where all routes are gone.
    """
    started: Future[Control] = Future()
    ended = asyncio.Event()

    async def live() -> None:
        async with _running(fleet, trust_store) as control:
            started.set_result(control)
            await ended.wait()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(asyncio.run, live())
        both: tuple[Future[Any], ...] = (started, running)
        wait(both, WAIT_SECONDS, FIRST_COMPLETED)
        if running.done():
            running.result()
        control = started.result(0)
        try:
            yield control
        finally:
            control.loop.call_soon_threadsafe(ended.set)
            running.result(WAIT_SECONDS)


@asynccontextmanager
async def _running(fleet: Fleet, trust_store: Path) -> AsyncIterator[Control]:
    remembers = recorder(fleet.folder / "state")
    options = PublisherOptions(files=fleet.files, trust_store=str(trust_store), recorder=remembers)
    publisher = Publisher(f"unix:{fleet.folder}/xds.sock", options)
    gate = Gate(envoy=envoy().path, reads=(trust_store,))
    archive = Disk(remembers)
    choose = chooser(Options(trust_store=str(trust_store)))

    def damaged(sources: Sources, good: tuple[SourceFile, ...]) -> Chosen:
        control.chosen = chosen = choose(sources, good)
        assert chosen.build.snapshot is not None, chosen.mistakes
        snapshot = control.damage(chosen.build.snapshot)
        return replace(chosen, build=replace(chosen.build, snapshot=snapshot))

    applier = Applier(
        read=functools.partial(read_sources, fleet.files),
        choose=damaged,
        bringer=Bringer(
            gate=gate,
            publisher=publisher,
            stage=LogStage(),
            writing=Writing(archive=archive, origin=Origin),
            patient=False,
            brake=False,
        ),
        archive=archive,
    )
    loop = asyncio.get_running_loop()
    control = Control(applier=applier, publisher=publisher, loop=loop)
    async with publisher, gate:
        await applier.start()
        yield control
