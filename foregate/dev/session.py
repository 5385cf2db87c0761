"""The orchestration of `foregate dev`: what is started when, and what ends it."""

import asyncio
import contextlib
import functools
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from controlplane.build import Options
from controlplane.files import Sources, read_sources
from controlplane.gate.gate import Gate
from controlplane.rollout.options import PublisherOptions
from controlplane.rollout.publisher import Publisher
from controlplane.rollout.recorder import Recorder
from controlplane.sources import SourceFile
from foregate import parts
from foregate.applying.applier import Applier
from foregate.applying.archive import Disk
from foregate.applying.bringing import Bringer
from foregate.applying.writing import Writing
from foregate.building import chooser
from foregate.dev import envoy, services
from foregate.dev.services import SERVICES, Needs
from foregate.dev.stage import CannotStartError, DevStage
from foregate.dev.standin import StandIn
from foregate.dev.starter import NAME, starter
from foregate.dev.supervise import ChildFailedError, Crashed, Event, Program, Ready, supervise
from foregate.dev.voice import Voice
from foregate.following import follow
from foregate.layout import layout
from foregate.origin import Origin
from foregate.resolvers import resolvers
from foregate.watch import saves
from language.mistakes import Mistake
from language.report import render

SOCKET_LENGTH = 100
"""Characters of a Unix socket's path; Linux allows 107, others less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """What the command line says. With `to` there is no file.

    `state` is a folder in which the gate's verdicts outlive the run, None for none; `trust_store`
    is the file of authorities that `https` backends are verified with; `redis` the URL of counters
    that outlive the run, empty for those of the process.
    """

    path: Path | None = None
    to: str = ""
    envoy: str | None = None
    state: Path | None = None
    trust_store: str = ""
    redis: str = ""


async def run(options: DevOptions, out: TextIO | None = None) -> int:
    """Run until Ctrl-C or SIGTERM (exit code 0), or until it cannot go on (1)."""
    voice = Voice(out or sys.stdout, render)
    try:
        program = parts.envoy(options.envoy)
    except parts.MissingPartError as error:
        voice.warn(str(error))
        return 1
    read = _reader(options)
    if isinstance(read, Mistake):
        voice.mistakes((read,), {})
        return 1
    with _folder() as folder, _signals() as stop:
        socket = folder / "xds.sock"
        publisher = Publisher(
            f"unix:{socket}",
            PublisherOptions(
                files=_root(options.path), state=options.state, trust_store=options.trust_store
            ),
        )
        gate = Gate(
            envoy=program.path,
            folder=options.state,
            reads=(Path(options.trust_store),) if options.trust_store else (),
        )
        async with publisher, gate:
            needs = Needs()
            stage = DevStage(
                upstream=StandIn("upstream", "upstream.py", folder),
                issuer=StandIn("issuer", "issuer.py", folder),
                voice=voice,
                folder=folder,
                stand_in=not options.to,
                needed=needs.needed,
            )
            archive = Disk(Recorder())
            applier = Applier(
                read=read,
                choose=chooser(
                    Options(
                        loopback=True,
                        trust_store=options.trust_store,
                        resolvers=resolvers(),
                        layout=layout(),
                    )
                ),
                bringer=Bringer(
                    gate=gate,
                    publisher=publisher,
                    stage=stage,
                    writing=Writing(archive=archive, origin=Origin),
                    patient=True,
                    brake=False,  # who tries things out takes away much, and sees it at once
                ),
                archive=archive,
            )
            session = _Session(
                applier=applier,
                stage=stage,
                needs=needs,
                envoy=functools.partial(envoy.program, program.path, folder, socket),
                services={s: services.program(s, folder, socket, options.redis) for s in SERVICES},
                path=None if options.to else options.path,
            )
            return await session.until(stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """The tasks of one run."""

    applier: Applier
    stage: DevStage
    needs: Needs
    envoy: Callable[..., Program]
    services: Mapping[str, Program]
    path: Path | None

    @property
    def voice(self) -> Voice:
        return self.stage.voice

    async def until(self, stop: asyncio.Event) -> int:
        """Work until `stop` is set. Whatever ends it, every child has ended when it returns."""
        code = 1
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._stand_in(self.stage.upstream)),
                    group.create_task(self._stand_in(self.stage.issuer)),
                    group.create_task(self._envoy()),
                    *(group.create_task(self._service(s)) for s in self.services),
                    group.create_task(self._files()),
                ]
                await stop.wait()
                self.voice.say("", "ending")
                for task in tasks:
                    task.cancel()
            code = 0
        except* CannotStartError as nothing:
            for why in nothing.exceptions:
                self.voice.warn(*map(str, why.args))
        except* ChildFailedError as failed:
            for child in failed.exceptions:
                if isinstance(child, ChildFailedError):
                    self.voice.warn(f"{child.name} {child.how}: giving up", *_indent(child.words))
        return code

    async def _stand_in(self, one: StandIn) -> None:
        await one.needed.wait()
        await supervise(one.program, one.ready, self._report)

    async def _envoy(self) -> None:
        """Start Envoy once there is something to serve: it asks at once, and would wait long."""
        await self.applier.bringer.publisher.offered.wait()
        ready = functools.partial(envoy.answers, self.stage.folder)
        try:
            await supervise(self.envoy(), ready, self._report)
        except ChildFailedError as failed:
            if self.stage.envoy_up.is_set() or not envoy.lost_its_port(failed):
                raise
            await supervise(self.envoy(anywhere=True), ready, self._report)

    async def _service(self, service: str) -> None:
        await self.needs.events[service].wait()
        ready = functools.partial(services.answers, service, self.stage.folder)
        await supervise(self.services[service], ready, self._report)

    async def _files(self) -> None:
        await self.applier.refresh()
        if self.path is not None:
            await follow(saves(self.path), self.applier.refresh)

    def _report(self, event: Event) -> None:
        if event.name == envoy.NAME and isinstance(event, Ready):
            self.stage.envoy_up.set()
        if isinstance(event, Crashed):
            self.voice.warn(
                f"{event.name} {event.how}; starting it again in {event.delay:g} s",
                *_indent(event.words),
            )
        elif event.again:
            self.voice.say(f"{event.name} is back")


def _reader(options: DevOptions) -> Callable[[], Sources] | Mistake:
    """Say how the sources are read; a name that leads nowhere is refused at the start."""
    if options.to:
        text = starter(options.to)
        if isinstance(text, Mistake):
            return text
        made = Sources(files=(SourceFile(name=NAME, data=text.encode()),), mistakes=())
        return lambda: made
    path = options.path or Path("gateway.yaml")
    if not path.exists():
        return read_sources(path).mistakes[0]
    return functools.partial(read_sources, path)


def _root(path: Path | None) -> Path:
    """Where files that the gateway names are looked up."""
    if path is None:
        return Path()
    return path if path.is_dir() else path.parent


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Make the private run folder, short enough for a socket in it; it goes at the end."""
    short = len(tempfile.gettempdir()) < SOCKET_LENGTH - len("/foregate-12345678/xds.sock")
    with tempfile.TemporaryDirectory(
        prefix="foregate-",
        dir=None if short else "/tmp",  # noqa: S108 - mkdtemp makes it private
        ignore_cleanup_errors=True,
    ) as name:
        yield Path(name)


@contextlib.contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """Turn Ctrl-C and SIGTERM into an event."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(one, stop.set)
    try:
        yield stop
    finally:
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(one)


def _indent(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"  {line}" for line in lines)
