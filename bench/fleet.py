"""The stack under load: a control plane that follows a file, an Envoy under it, two upstreams."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.child import ROOT, Child, Words
from bench.envoys import Follower, following, upstream
from bench.running import free_port
from controlplane.sources import SourceFile

NAMES = ("one", "two")
"""The upstreams; each answers with its name."""


class ControlPlane:
    """`foregate controlplane` on a folder, started with the block and as often as asked."""

    def __init__(self, files: Path, home: Path, name: str = "xds", admin: str = "") -> None:
        """Its socket, its state and its log are in `home`, by `name`."""
        self.socket = home / f"{name}.sock"
        self._log = home / f"{name}.log"
        state = home / f"{name}.state"
        self._words = [sys.executable, "-m", "foregate", "controlplane", str(files)]
        self._words += [
            "--listen",
            f"unix:{self.socket}",
            "--admin",
            admin,
            "--state-dir",
            str(state),
        ]
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child is not None:
            self._child.terminate()
            self._child.wait(30)

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(self._words, cwd=ROOT, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        """Its process id; 0 where none runs."""
        return self._child.pid if self._child is not None else 0

    def said(self, text: str) -> int:
        """How many lines of its log hold a text."""
        return sum(text in line for line in self._log.read_text().splitlines())

    def last(self, text: str) -> Words:
        """The last line of its log that holds a text."""
        held = [line for line in self._log.read_text().splitlines() if text in line]
        words: Words = json.loads(held[-1])
        return words

    def kill(self) -> None:
        """End it as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._child = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Two upstreams by name, and the `port` that a gateway is to listen on."""

    folder: Path
    upstreams: dict[str, int]
    port: int

    @property
    def files(self) -> Path:
        """The folder of the gateway file."""
        return self.folder / "gateway"

    def save(self, text: str) -> None:
        """Replace the gateway file, as editors do."""
        unfinished = self.folder / "unfinished"
        unfinished.write_text(text)
        self.files.mkdir(exist_ok=True)
        unfinished.replace(self.files / "gateway.yaml")

    def gateway(self, *, routes: str, backends: str, trusted_hops: int = 0) -> str:
        """A gateway file with @one@ and @two@ for the ports of the upstreams."""
        text = (
            f"version: 1\nlisten: {{http: '127.0.0.1:{self.port}', trustedHops: {trusted_hops}}}\n"
        )
        text += f"defaults: {{auth: none}}\nbackends:\n{backends}routes:\n{routes}"
        for name, port in self.upstreams.items():
            text = text.replace(f"@{name}@", str(port))
        return text


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Start the upstreams."""
    with ExitStack() as held:
        ports = {name: held.enter_context(upstream(folder, name)) for name in NAMES}
        yield Stage(folder=folder, upstreams=ports, port=free_port())


@contextmanager
def served(stage: Stage, *, sotw: bool) -> Iterator[tuple[ControlPlane, Follower]]:
    """A control plane on what was saved, and an Envoy under it, which may not have it yet."""
    with (
        ControlPlane(stage.files, stage.folder) as control,
        following(stage.folder, control.socket, sotw=sotw) as envoy,
    ):
        yield control, envoy


class Publishing:
    """A publisher in a process of its own (`bench.publishing`), without watch and gate."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def publish(self, sources: Sequence[SourceFile], *, within: float = 30.0) -> Words:
        """Publish what files compile to; says `state` (of the outcome) and `seconds` to there.

        Who is not connected is not waited for. Raises ChildError for a mistake in the files.
        """
        files = [[one.name, one.data.decode()] for one in sources]
        return self._child.ask(files=files, patience=within, within=within + 30)


@contextmanager
def publishing(socket: Path) -> Iterator[Publishing]:
    """Start one on a Unix socket."""
    with Child("bench.publishing", str(socket)) as child:
        yield Publishing(child)
