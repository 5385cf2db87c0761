"""One serving process: what is started in which order, and how it ends."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from serving.address import Address, AddressError, address, not_here
from serving.admin import Admin
from serving.bundle import updates
from serving.client import Client
from serving.health import Health
from serving.lastgood import LastGood
from serving.logs import place
from serving.metrics import Metrics
from serving.policyfile import PolicyFile, PolicyFileError
from serving.service import Maker, RejectedError
from serving.sockets import BindError
from serving.subscription import subscription
from serving.transport import GrpcTransport
from serving.wire import Node

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator says. Addresses are `unix:/PATH` or `HOST:PORT`.

    Exactly one of `xds` (the control plane) and `policy` (a file) is given. `advertise` is where
    Envoy connects to, by default where it listens. Without `state` nothing outlives the process;
    without `admin` there is no admin port. `node` is this instance's id, made up if empty.
    At the end it serves on for `linger` seconds, until Envoy has heard of it, then refuses new
    calls and waits up to `grace` seconds for those that run.
    """

    listen: str
    xds: str = ""
    policy: Path | None = None
    advertise: str = ""
    state: Path | None = None
    admin: str = ""
    node: str = ""
    version: str = ""
    linger: float = 0.5
    grace: float = 2.0


NODE_ID_LENGTH = 256
"""Characters; the control plane refuses longer ones."""


class StartError(Exception):
    """The process cannot start; `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def check(settings: Settings) -> None:
    """Refuse settings that do not go together. Raises StartError and AddressError."""
    if not settings.xds and settings.policy is None:
        raise StartError(
            "where does the policy come from? Say --xds ADDRESS (FOREGATE_XDS), the control "
            "plane, or --policy FILE (FOREGATE_POLICY)"
        )
    if settings.xds and settings.policy is not None:
        raise StartError(
            "the policy comes from the control plane (--xds, FOREGATE_XDS) or from a file "
            "(--policy, FOREGATE_POLICY), not from both"
        )
    where = address(settings.advertise or settings.listen)
    for flag, text in (
        ("--xds (FOREGATE_XDS)", settings.xds),
        ("--listen (FOREGATE_LISTEN)", settings.listen),
        ("--advertise (FOREGATE_ADVERTISE)", settings.advertise),
        ("--admin (FOREGATE_ADMIN_LISTEN)", settings.admin),
    ):
        if text and not address(text).here:
            raise StartError(f"{flag}: {not_here(text)}")
    if settings.advertise and where.path is None and where.port == 0:
        raise StartError(f"--advertise (FOREGATE_ADVERTISE): {where} has no port")
    if len(settings.node) > NODE_ID_LENGTH:
        raise StartError(f"--node (FOREGATE_NODE): over {NODE_ID_LENGTH} characters")


async def run(maker: Maker, settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT (exit code 0), or until it cannot go on (1)."""
    with _signals() as stop:
        return await serve(maker, settings, stop)


async def serve(maker: Maker, settings: Settings, stop: asyncio.Event) -> int:
    """Serve until `stop` is set; return the exit code."""
    try:
        await _Process(maker, settings).until(stop)
    except (StartError, AddressError, BindError, PolicyFileError) as error:
        _log.error("cannot start", why=error.message)  # the words say all of it
    except Exception as error:  # noqa: BLE001 # by type and place: its words may hold a secret
        for one in _leaves(error):
            _log.error("failed", error=type(one).__name__, at=place(one))
    else:
        return 0
    return 1


class _Process:
    """The parts of one process."""

    def __init__(self, maker: Maker, settings: Settings) -> None:
        check(settings)
        self._settings = settings
        self._metrics = Metrics()
        self._feed = (
            PolicyFile(settings.policy, self._metrics)
            if settings.policy is not None
            else Client(settings.xds, self._metrics)
        )
        self._service = maker(self._feed)
        self._listen = address(settings.listen)
        self._health = Health(self._service.methods)
        self._transport = GrpcTransport(
            self._listen, self._service.methods, self._metrics, extra=self._health.add_to
        )
        self._admin = Admin((self._service.registry, self._metrics.registry), lambda: self._serving)
        self._kept = (
            LastGood(settings.state, self._service.name, self._metrics)
            if settings.state is not None and settings.xds
            else None
        )
        self._moved = asyncio.Event()
        self._serving = False
        self._ending = False

    async def until(self, stop: asyncio.Event) -> None:
        """Start everything, and end it once `stop` is set."""
        self._load()
        await self._health.set(serving=False)
        try:
            where = await self._transport.start()
            if self._settings.admin:
                admin = await self._admin.start(address(self._settings.admin))
                _log.info("admin", address=str(admin))
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._follow(where))]
                if self._service.work is not None:
                    running.append(tasks.create_task(_awaited(self._service.work)))
                if self._kept is not None and isinstance(self._feed, Client):
                    feed = self._feed
                    running.append(
                        tasks.create_task(self._kept.keep(lambda: feed.subscription.holding))
                    )
                feeding = tasks.create_task(self._feeding(where))
                await stop.wait()
                await self._end(feeding)
                for task in running:
                    task.cancel()
        finally:
            await self._transport.stop(0)
            await self._admin.stop()

    def _load(self) -> None:
        """Take in the policy file, or what was kept of the last good policy."""
        service = self._service
        if isinstance(self._feed, PolicyFile):
            self._feed.load(service.intake, service.types)
            self._moved.set()
            return
        start = subscription(service.types)
        kept = self._kept.read() if self._kept is not None else None
        for update in updates({}, kept, service.types) if kept is not None else ():
            try:
                service.intake.take(update)
            except RejectedError as error:
                _log.warning("last good not taken", type=update.type_url, why=error.message)
                continue
            start = start.restored(update.type_url, (kept or {}).get(update.type_url, {}))
            self._moved.set()
        self._feed.begin(start)

    async def _feeding(self, where: Address) -> None:
        """Keep the policy up to date."""
        service, settings = self._service, self._settings
        if isinstance(self._feed, PolicyFile):
            await self._feed.watch(service.intake, service.types, self._changed)
            return
        node = Node(
            id=settings.node or f"{service.name}-{socket.gethostname()}-{os.getpid()}",
            service=service.name,
            address=settings.advertise or str(where),
            version=settings.version,
        )
        await self._feed.run(node, service.intake, self._changed)

    def _changed(self) -> None:
        """The service took an update in."""
        self._moved.set()
        feed = self._feed
        if self._kept is not None and isinstance(feed, Client) and feed.subscription.complete:
            self._kept.changed()

    async def _follow(self, where: Address) -> None:
        """Let health follow what the service says of itself."""
        first = True
        while True:
            await self._moved.wait()
            self._moved.clear()
            ready = self._service.intake.ready and not self._ending
            if ready == self._serving:
                continue
            self._serving = ready
            self._metrics.ready.set(ready)
            await self._health.set(serving=ready)
            if ready and first:
                first = False
                gc.collect()
                gc.freeze()  # what is there now stays; collections need not look at it again
            _log.info("serving" if ready else "not serving", address=str(where))

    async def _end(self, feeding: asyncio.Task[None]) -> None:
        """Leave: first nobody is sent here any more, then the running calls end."""
        _log.info("ending")
        self._ending, self._serving = True, False
        self._metrics.ready.set(0)
        await self._health.end()
        feeding.cancel()
        await asyncio.wait([feeding])
        await asyncio.sleep(self._settings.linger)
        await self._transport.stop(self._settings.grace)


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()


@contextlib.contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """Turn SIGTERM and SIGINT into an event."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    try:
        yield stop
    finally:
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(one)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error
