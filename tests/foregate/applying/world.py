"""An applier over a folder, with a real publisher and, where asked for, a history on the disk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from controlplane.build import Build, Options, build
from controlplane.files import read_sources
from controlplane.gate.gate import Gate
from controlplane.gate.verdicts import Passed, Verdict
from controlplane.history.history import History
from controlplane.history.version import Version
from controlplane.rollout.recorder import Recorder, recorder
from controlplane.selection.chosen import FileState
from controlplane.snapshot import CLUSTER, ROUTES, Snapshot
from controlplane.sources import SourceFile
from controlplane.store.store import Store
from foregate.applying.applier import Applier
from foregate.applying.archive import Disk
from foregate.applying.bringing import Bringer
from foregate.applying.stage import Live, Texts
from foregate.applying.writing import Writing
from foregate.building import chooser
from foregate.origin import Origin
from language.mistakes import Mistake
from language.places import Place
from tests.controlplane.rollout.published import Node, Stage, staged


@dataclass
class Told:
    """A stage that remembers what it is told."""

    live: list[Live] = field(default_factory=list)
    firsts: list[bool] = field(default_factory=list)
    found: list[Mistake] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    stayed: int = 0
    same: int = 0

    async def fitting(self, build: Build, snapshot: Snapshot, origin: Place) -> tuple[Mistake, ...]:  # noqa: ARG002 # a stage like any
        return ()

    async def made_ready(self, build: Build) -> None:
        pass

    async def went_live(self, live: Live, *, first: bool) -> None:
        self.live.append(live)
        self.firsts.append(first)

    def mistakes(self, found: Sequence[Mistake], texts: Texts) -> None:  # noqa: ARG002 # as above
        self.found.extend(found)

    def stays(self, since: datetime | None) -> None:
        self.stayed += since is not None

    def unchanged(self) -> None:
        self.same += 1

    def warn(self, *lines: str) -> None:
        self.warned.append(" ".join(lines))

    def says(self) -> list[str]:
        """What was found since this was asked last."""
        said = [one.message for one in self.found]
        self.found.clear()
        return said


@dataclass
class Kept:
    """The folder that outlives a run."""

    folder: Path

    def put(self, build: Build) -> "Kept":
        Store(self.folder / "xds").publish(build)
        return self

    @property
    def version(self) -> str:
        """The last good version, empty for none."""
        found = Store(self.folder / "xds").published()
        return found.snapshot.version if found is not None and found.snapshot is not None else ""


@dataclass(slots=True, kw_only=True)
class Judge(Gate):
    """A gate that says what it is told to say. It remembers what it was asked."""

    envoy: Path | None = None
    says: Callable[[Snapshot], Verdict | Awaitable[Verdict]] = lambda _: Passed()
    asked: list[Snapshot] = field(default_factory=list)

    async def prove(self, snapshot: Snapshot) -> Verdict:
        self.asked.append(snapshot)
        said = self.says(snapshot)
        return await said if isinstance(said, Awaitable) else said


@dataclass
class World:
    """An applier over a folder, with a real publisher."""

    stage: Stage
    folder: Path
    told: Told
    applier: Applier

    @property
    def file(self) -> Path:
        return self.folder / "gateway.yaml"

    def put(self, **texts: str) -> None:
        """Write files, each by its name without the suffix."""
        self.folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (self.folder / f"{name}.yaml").write_text(text)

    async def save(self, text: str = "", **texts: str) -> None:
        self.put(**({"gateway": text} if text else {}), **texts)
        await self.applier.refresh()

    def served(self) -> set[str]:
        """The backends of what is offered."""
        standing = self.stage.publisher.standing
        assert standing is not None
        assert standing.snapshot is not None
        return {n for n in standing.snapshot.of(CLUSTER) if not n.startswith("foregate:")}

    @property
    def states(self) -> dict[str, FileState]:
        """What is shown of each file, by its home."""
        return {one.home: one.state for one in self.applier.served.files}

    @property
    def history(self) -> History:
        assert self.stage.recorder.history is not None
        return self.stage.recorder.history

    def version(self, number: int) -> Version:
        found = self.history.version(number)
        assert found is not None
        return found

    def fates(self) -> list[str]:
        """The fates of all versions, the oldest first."""
        return [one.fate for one in reversed(self.history.versions())]

    async def arrived(self, number: int) -> None:
        """Look until a version is known to be live."""
        while self.version(number).fate != "live":
            await asyncio.sleep(0.01)
            await self.applier.look()

    @asynccontextmanager
    async def envoy_of(self, text: str) -> AsyncIterator[Node]:
        """Save a gateway, and have a node that takes it."""
        await self.save(text)
        async with self.envoy() as node:
            yield node

    @asynccontextmanager
    async def envoy(self, address: str = "") -> AsyncIterator[Node]:
        """A node that has what is on offer."""
        async with self.stage.node(address=address) as node:
            await node.until(lambda: ROUTES in node.held)
            yield node


def played(
    folder: Path,
    stage: Stage,
    *,
    brake: bool = True,
    allow_removal: bool = False,
    gate: Gate | None = None,
) -> World:
    """The world of one control plane, its files in `folder/gateway`."""
    told = Told()
    path = folder / "gateway"
    archive = Disk(stage.recorder)
    applier = Applier(
        read=lambda: read_sources(path),
        choose=chooser(Options()),
        bringer=Bringer(
            gate=gate or Gate(envoy=None),
            publisher=stage.publisher,
            stage=told,
            writing=Writing(archive=archive, origin=Origin),
            patient=False,
            brake=brake,
        ),
        archive=archive,
        allow_removal=allow_removal,
    )
    return World(stage, path, told, applier)


def play(  # each says another thing about one world
    folder: Path,
    body: Callable[[World], Awaitable[None]],
    *,
    kept: Kept | None = None,
    brake: bool = True,
    allow_removal: bool = False,
    gate: Gate | None = None,
) -> Told:
    async def whole() -> Told:
        remembers = recorder(kept.folder) if kept else Recorder()
        async with asyncio.timeout(30), staged(folder, remembers) as stage:
            world = played(folder, stage, brake=brake, allow_removal=allow_removal, gate=gate)
            await body(world)
            return world.told

    return asyncio.run(whole())


def gateway(*names: str) -> str:
    """A route and a backend for each name."""
    lines = ["version: 1", "defaults: {auth: none}", "backends:"]
    lines += [f"  {name}: http://127.0.0.1:9" for name in names]
    lines += ["routes:", *(f"  - {{path: /{name}, to: {name}}}" for name in names)]
    return "\n".join(lines)


def many(*names: str) -> str:
    """A file of a folder with a route and a backend for each name."""
    lines = ["defaults: {auth: none}", "backends:"]
    lines += [f"  {name}: http://127.0.0.1:9" for name in names]
    lines += ["routes:", *(f"  - {{path: /{name}, to: {name}}}" for name in names)]
    return "\n".join(lines)


def built(*names: str) -> Build:
    file = SourceFile(name="gateway.yaml", data=gateway(*names).encode())
    whole = build((file,), Options())
    assert whole.snapshot is not None
    return whole


def team(name: str, port: int = 9) -> str:
    """A file that stands for itself beside the gateway's."""
    return (
        f"defaults: {{auth: none}}\nbackends: {{{name}: 'http://127.0.0.1:{port}'}}\n"
        f"routes: [{{path: /{name}, to: {name}}}]\n"
    )


MAIN = "version: 1\n"
BROKEN = "routes: 7\n"
