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
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector

from controlplane.build import Options
from controlplane.files import read_sources
from controlplane.gate.gate import Gate
from controlplane.rollout.options import PublisherOptions
from controlplane.rollout.publisher import Publisher
from controlplane.rollout.recorder import Recorder
from controlplane.seen.fleet import NodeView
from controlplane.seen.metrics import FleetMetrics
from controlplane.seen.page import as_json
from controlplane.seen.served import Served
from controlplane.seen.servedmetrics import ServedMetrics
from controlplane.xds.options import ServerOptions
from controlplane.xds.phases import DRAIN_SECONDS
from foregate.applying.applier import LOOK_SECONDS, Applier
from foregate.applying.archive import Disk
from foregate.applying.bringing import Bringer
from foregate.applying.writing import Writing
from foregate.building import chooser
from foregate.following import follow
from foregate.garbage import Quiet, collected
from foregate.layout import layout
from foregate.logstage import LogStage
from foregate.operating import actions
from foregate.origin import origin
from foregate.resolvers import resolvers
from foregate.watch import saves
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


def fleet_page(
    fleet: Callable[[], Sequence[NodeView]],
    clock: Callable[[], float],
    served: Callable[[], Served | None] = lambda: None,
) -> Page:
    """Make the page that `foregate fleet` asks for; `clock` gives Unix seconds."""

    def page() -> tuple[str, bytes]:
        return "application/json", json.dumps(as_json(fleet(), clock(), served())).encode()

    return page


async def _serve(options: ControlOptions, stop: asyncio.Event) -> None:
    for text in filter(None, (options.listen, options.admin)):
        if not address(text).here:
            raise AddressError(not_here(text))
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)

    publisher = _publisher(options, registry)
    gate = Gate(
        envoy=options.envoy,
        folder=options.state,
        reads=(Path(options.trust_store),) if options.trust_store else (),
    )
    applier = _applier(options, gate, publisher)
    registry.register(ServedMetrics(lambda: applier.served))
    pages = {"/fleet": fleet_page(publisher.fleet, time.time, lambda: applier.served)}
    ready = functools.partial(_is_ready, applier)
    admin = Admin((registry,), ready, pages, actions(applier))
    async with publisher, gate, AsyncExitStack() as held:
        if options.admin:
            await admin.start(address(options.admin))
            held.push_async_callback(admin.stop)
        _log.info("serving xds", address=options.listen)
        working = asyncio.create_task(_work(applier, options.path))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


def _publisher(options: ControlOptions, registry: CollectorRegistry) -> Publisher:
    """The publisher, with what is counted of its fleet."""
    metrics = FleetMetrics(registry, lambda: publisher.fleet())  # noqa: PLW0108 # it comes below
    publisher = Publisher(
        str(address(options.listen)),
        PublisherOptions(
            files=_folder(options.path),
            state=options.state,
            trust_store=options.trust_store,
            server=ServerOptions(meter=metrics, drain_seconds=options.drain_seconds),
            recorder=options.recorder,
            took=metrics.took,
            published=metrics.published,
        ),
    )
    return publisher


def _applier(options: ControlOptions, gate: Gate, publisher: Publisher) -> Applier:
    """What brings the files of the options to the fleet of a publisher."""
    archive = Disk(options.recorder)
    bringer = Bringer(
        gate=gate,
        publisher=publisher,
        stage=LogStage(),
        writing=Writing(archive=archive, origin=functools.partial(origin, options.path)),
        patient=False,
        brake=True,
    )
    return Applier(
        read=functools.partial(read_sources, options.path),
        choose=chooser(
            Options(trust_store=options.trust_store, resolvers=resolvers(), layout=layout())
        ),
        bringer=bringer,
        archive=archive,
        allow_removal=options.allow_removal,
    )


def _is_ready(applier: Applier) -> bool:
    """Ready is who serves, unless others may serve more of the same files."""
    return applier.bringer.publisher.answering.is_set() and not applier.partial


async def _work(applier: Applier, path: Path) -> None:
    """Follow the files, and what other replicas do. Never ends by itself."""
    await applier.start()
    collected()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(follow(saves(path), applier.refresh))
        tasks.create_task(_look(applier))


async def _look(applier: Applier) -> None:
    quiet = Quiet(applier.live)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await applier.look()
        if quiet.due(applier.live):
            collected()


def _folder(path: Path) -> Path:
    """Where key files are looked up."""
    return path if path.is_dir() else path.parent


def sourceless(options: ControlOptions) -> bool:
    """Whether there is nothing at the path, and no last good that could be served without it."""
    try:
        if options.path.exists():
            return False
    except OSError:  # something is there that cannot be looked at: told and followed later
        return False
    return options.recorder.published() is None
