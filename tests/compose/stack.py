"""The stack of `docker-compose.yml` as processes of this machine, where there is no engine.

Each service's own command runs with its own environment, in the order that `depends_on` gives, and
is waited for by its own health check. What a container would give it is replaced in all these texts
and in the files that are mounted, and nothing else is:

    /run/foregate            one folder for all, as the volume is
    /state, /etc/foregate    a folder of each service; mounted files are copied into it
    /tmp                     likewise
    //SERVICE:               //127.0.0.1:, since all are on this machine
    0.0.0.0                  127.0.0.1
    a port                   one that is free here, the same everywhere
    foregate, python, envoy, redis-server, redis-cli    the program here
"""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foregate import parts
from tests.compose.services import Service, services
from tests.e2e.process import Process, foregate, free_port
from tools.parts import command

SECONDS = 30.0
"""How long a service may take to be healthy."""

_ADDRESS = re.compile(r"(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A service as a process of this machine."""

    words: tuple[str, ...]
    environ: dict[str, str]
    folder: Path


@dataclass(slots=True, kw_only=True)
class Stack:
    """Running services. Those that a test kills it can start again."""

    folder: Path
    found: dict[str, Service]
    ports: dict[str, str]
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The gateway's URL."""
        return f"http://127.0.0.1:{self.ports['8080']}"

    def start(self, name: str) -> None:
        """Start a service with what it mounts, and wait until it is healthy."""
        made = self.prepared(name)
        self.processes[name] = Process(made.words, made.folder, made.environ)
        self.wait_healthy(name)

    def prepared(self, name: str) -> Prepared:
        """Lay out a service's folders and mounts, and say how it is run here."""
        service = self.found[name]
        for inner in ("/state", "/etc/foregate", "/tmp", "/run/foregate"):  # noqa: S108 # replaced
            Path(self.here(name, inner)).mkdir(parents=True, exist_ok=True)
        for source, target in service.binds:
            self._mount(name, source, Path(self.here(name, target)))
        words = [self.here(name, word) for word in service.command]
        return Prepared(
            words=(*_program(words[0]), *words[1:]),
            environ={key: self.here(name, value) for key, value in service.environment.items()},
            folder=self.folder / name,
        )

    def wait_healthy(self, name: str, seconds: float = SECONDS) -> None:
        """Wait for a service's own health check; fails with what the service said."""
        process, until = self.processes[name], time.monotonic() + seconds
        while not self.healthy(name):
            if process.child.poll() is not None or time.monotonic() > until:
                process.end()
                process.wait_for(f"{name} is not healthy", 1)
            time.sleep(0.05)

    def healthy(self, name: str) -> bool:
        """Run a service's health check once."""
        words = [self.here(name, word) for word in self.found[name].health]
        done = subprocess.run(
            [*_program(words[0]), *words[1:]], check=False, capture_output=True, timeout=10
        )
        return done.returncode == 0

    def here(self, name: str, text: str) -> str:
        """What a text of a service's is on this machine."""
        for inner in ("/state", "/etc/foregate", "/tmp"):  # noqa: S108 # replaced
            place = str(self.folder / name / inner.strip("/").replace("/", "-"))
            text = re.sub(rf"(?<![\w.-]){inner}(?![\w.-])", f"\0{place}", text)
        text = text.replace("/run/foregate", f"{self.folder}/run").replace("\0", "")
        for other in self.found:
            text = text.replace(f"//{other}:", "//127.0.0.1:")
        text = text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 # the opposite
        return re.sub(r"\b\d+\b", lambda found: self.ports.get(found[0], found[0]), text)

    def _mount(self, name: str, source: Path, target: Path) -> None:
        """Copy files that a service mounts: texts, in which as much is replaced."""
        files = [p for p in source.rglob("*") if p.is_file()] if source.is_dir() else [source]
        for file in files:
            made = target / file.relative_to(source) if source.is_dir() else target
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_text(self.here(name, file.read_text(encoding="utf-8")), encoding="utf-8")

    def end(self) -> None:
        """End all, the last started first."""
        for process in reversed(self.processes.values()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.end()


@contextlib.contextmanager
def running(*only: str) -> Iterator[Stack]:
    """Start the stack, or the named services alone; all has ended after the block."""
    # Not pytest's folder: a socket's path may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="fg-"))
    stack = Stack(folder=folder, found=services(), ports=_ports())
    try:
        for name in only or stack.found:
            stack.start(name)
        yield stack
    finally:
        stack.end()
        shutil.rmtree(folder, ignore_errors=True)


def _ports() -> dict[str, str]:
    """Every port that is published or stands in an address, with a free one for it."""
    found = set()
    for service in services().values():
        texts = (*service.command, *service.environment.values(), *service.health)
        found |= {port for text in texts for port in _ADDRESS.findall(text)}
        found |= {port.rpartition(":")[2] for port in service.published}
    return {port: str(free_port()) for port in sorted(found)}


def _program(word: str) -> Sequence[str]:
    """The words that run a program of the image here; raises MissingError or MissingPartError."""
    if word == "foregate":
        return foregate()
    if word == "python":
        return [sys.executable]
    if word == "envoy":
        return [str(parts.envoy().path)]
    *before, server = command("redis-server")
    return [*before, str(Path(server).with_name(word))]
