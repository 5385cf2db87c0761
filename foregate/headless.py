"""The control plane as a process of its own: follows the files, serves xDS, writes a log."""

import asyncio
import contextlib
import functools
import json
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector

from controlplane.build import Build, Options, build
from controlplane.files import read_sources
from controlplane.gate.gate import Gate
from controlplane.rollout.options import PublisherOptions
from controlplane.rollout.publisher import Publisher
from controlplane.rollout.recorder import Recorder
from controlplane.seen.fleet import NodeView
from controlplane.seen.metrics import FleetMetrics
from controlplane.seen.page import as_json
from controlplane.snapshot import Snapshot
from controlplane.sources import SourceFile
from controlplane.xds.phases import DRAIN_SECONDS
from controlplane.xds.server import ServerOptions
from foregate.apply import Applier, Live, Texts
from foregate.building import secrets
from foregate.following import follow
from foregate.watch import saves
from language.mistakes import Mistake
from language.places import Place
from serving.address import AddressError, address, not_here
from serving.admin import Admin, Page
from serving.sockets import BindError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlOptions:
    """What the command line says.

    `listen` is where Envoys and services connect (`unix:PATH` or `HOST:PORT`), `admin` where
    metrics and readiness are asked for, empty for nowhere. `recorder` remembers what an earlier
    run published; `allow_removal` lets one version past the brake; `drain_seconds` is how long
    the Envoys drain a listener.
    """

    path: Path
    listen: str
    admin: str
    envoy: Path
    state: Path | None
    trust_store: str
    recorder: Recorder
    allow_removal: bool = False
    drain_seconds: float = DRAIN_SECONDS


class LogStage:
    """The stage of a server: nothing is started for a gateway, all is told to the log."""

    async def fitting(self, build: Build, snapshot: Snapshot, origin: Place) -> tuple[Mistake, ...]:  # noqa: ARG002 # ports are the nodes'
        """Nothing here can stand against a build."""
        return ()

    async def made_ready(self, build: Build) -> None:
        """Nothing has to be started."""

    async def went_live(self, live: Live, *, first: bool) -> None:
        """Tell the version."""
        version = live.build.snapshot.version if live.build.snapshot else ""
        took = round(live.took, 3)
        _log.info("live", version=version, seconds=took, first=first, restored=live.restored)

    def mistakes(self, found: Sequence[Mistake], texts: Texts) -> None:  # noqa: ARG002 # a log line has no room for a source line
        """Tell each at its place."""
        for one in found:
            tell = _log.error if one.severity == "error" else _log.warning
            tell(one.message, place=str(one.place), hint=one.hint)

    def stays(self, since: datetime | None) -> None:
        """Tell what is served meanwhile."""
        if since:
            _log.warning("the last good version stays", since=since.isoformat(timespec="seconds"))
        else:
            _log.error("nothing is served yet")

    def unchanged(self) -> None:
        """Tell that the files were read."""
        _log.info("nothing changes")

    def warn(self, *lines: str) -> None:
        """Tell it."""
        _log.warning(lines[0], more=lines[1:])


async def run(options: ControlOptions) -> int:
    """Run until SIGTERM or SIGINT (exit code 0), or until it cannot go on (1)."""
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    try:
        await _serve(options, stop)
    except (AddressError, BindError) as error:
        _log.error("cannot start", why=error.message)  # the words say all of it
        return 1
    except RuntimeError as error:
        _log.error("cannot start", why=str(error), address=options.listen)  # as above
        return 1
    _log.info("ended")
    return 0


def fleet_page(fleet: Callable[[], Sequence[NodeView]], clock: Callable[[], float]) -> Page:
    """Make the page that `foregate fleet` asks for; `clock` gives Unix seconds."""

    def page() -> tuple[str, bytes]:
        return "application/json", json.dumps(as_json(fleet(), clock())).encode()

    return page


async def _serve(options: ControlOptions, stop: asyncio.Event) -> None:
    for text in filter(None, (options.listen, options.admin)):
        if not address(text).here:
            raise AddressError(not_here(text))
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)

    def fleet() -> Sequence[NodeView]:
        return publisher.fleet()

    metrics = FleetMetrics(registry, fleet)
    publisher = Publisher(
        str(address(options.listen)),
        PublisherOptions(
            files=options.path if options.path.is_dir() else options.path.parent,
            state=options.state,
            trust_store=options.trust_store,
            server=ServerOptions(meter=metrics, drain_seconds=options.drain_seconds),
            recorder=options.recorder,
            took=metrics.took,
            published=metrics.published,
        ),
    )
    pages = {"/fleet": fleet_page(fleet, time.time)}
    admin = Admin((registry,), publisher.answering.is_set, pages)
    async with publisher, AsyncExitStack() as held:
        if options.admin:
            await admin.start(address(options.admin))
            held.push_async_callback(admin.stop)
        _log.info("serving xds", address=options.listen)
        gate = Gate(
            envoy=options.envoy,
            folder=options.state,
            reads=(Path(options.trust_store),) if options.trust_store else (),
        )
        applier = Applier(
            read=functools.partial(read_sources, options.path),
            build=functools.partial(_build, options),
            gate=await held.enter_async_context(gate),
            publisher=publisher,
            stage=LogStage(),
            patient=False,
            allow_removal=options.allow_removal,
        )
        following = asyncio.create_task(_follow(applier, options.path))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _follow(applier: Applier, path: Path) -> None:
    await applier.start()
    await follow(saves(path), applier.refresh)


def sourceless(options: ControlOptions) -> bool:
    """Whether there is nothing at the path, and no last good that could be served without it."""
    try:
        if options.path.exists():
            return False
    except OSError:  # something is there that cannot be looked at: told and followed later
        return False
    return options.recorder.published() is None


def _build(options: ControlOptions, sources: tuple[SourceFile, ...]) -> Build:
    return build(sources, Options(trust_store=options.trust_store, secrets=secrets(required=True)))
