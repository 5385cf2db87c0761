"""The prover is killed, stopped and starved while versions are saved, and three Envoys serve on.

It is a child of the control plane: whatever becomes of it, each save is proved by what is there.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.load import loaded
from controlplane.prover.strip import CHECKS, NAMES, PORTS
from controlplane.seen.page import read
from tests.e2e.fleet import Fleet, until
from tests.e2e.routes import ran

pytestmark = pytest.mark.xdist_group("prover")

SAVES = 20
BAD = 13
"""Which of them has a mistake."""

EVERY = 4
"""A prover is hit at each save of so many."""

ADMINS = ("admin", "admin-2", "admin-3")
WARM = "a running Envoy (envoy/"
FRESH = "envoy --mode validate (envoy/"

NO_NAMESPACE = """\
import ctypes, os, sys
user, group = os.getuid(), os.getgid()
assert ctypes.CDLL(None).unshare(0x10000000) == 0
for name, text in (("self/setgroups", "deny"), ("self/uid_map", f"0 {user} 1"),
                   ("self/gid_map", f"0 {group} 1"), ("sys/user/max_user_namespaces", "0")):
    with open(f"/proc/{name}", "w") as file:
        file.write(text)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Runs a program in a user namespace in which no other may be made."""


class Unwalled(Fleet):
    """A fleet whose control plane may make no namespace."""

    def _controlplane(self, name: str, number: str) -> tuple[list[str], dict[str, str]]:
        words, environ = super()._controlplane(name, number)
        return [sys.executable, "-c", NO_NAMESPACE, *words], environ


def gateway(number: int) -> str:
    """A gateway that differs in a route, and by which each version is known."""
    return f"""\
version: 1
listen: {{http: "127.0.0.1:@http@"}}
defaults: {{auth: none}}
backends: {{echo: {{url: "http://localhost:@echo@", health: {{path: /healthz}}}}}}
routes:
  - {{path: /, respond: {{status: 200, body: well}}}}
  - {{path: /mark, respond: {{status: 200, body: mark-{number}-}}}}
  - {{path: "/echo/{number}", to: echo}}
"""


@contextmanager
def standing(folder: Path, kind: type[Fleet] = Fleet) -> Iterator[Fleet]:
    """A control plane and three Envoys; nothing of them is left."""
    fleet = kind(folder, gateway(0))
    fleet.older.add("envoy-3")
    try:
        fleet.start("controlplane")
        fleet.running["controlplane"].wait_for('"live"')
        fleet.start("envoy", "envoy-2", "envoy-3")
        until("three are live", lambda: live(fleet) == 3)
        yield fleet
    finally:
        fleet.end()


def live(fleet: Fleet) -> int:
    status, page = fleet.asked("controlplane", "/fleet")
    return read(page.encode())["summary"]["live"] if status == 200 else 0


def provers(fleet: Fleet) -> list[int]:
    """The warm Envoys of the control plane, by their process ids."""
    return [pid for pid, words in children(fleet) if "--parent-shutdown-time-s" in words]


def children(fleet: Fleet) -> Iterator[tuple[int, str]]:
    pid = fleet.running["controlplane"].child.pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                words = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ")
                if b"launch.py" not in words:
                    yield int(child), words.decode()


def there(pid: int) -> bool:
    """Whether a process is there, and not only its exit status."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def prover(fleet: Fleet, other: int = 0) -> int:
    """The one that is there, once it is another than this."""
    until("there is a prover", lambda: [pid for pid in provers(fleet) if pid != other])
    return next(pid for pid in provers(fleet) if pid != other)


def history(fleet: Fleet) -> list[dict[str, Any]]:
    """The versions, the oldest first."""
    words = ("history", "--state-dir", str(fleet.folder / "state"), "--limit", "100", "-o", "json")
    said = json.loads(ran(*words, cwd=fleet.folder).stdout)
    return sorted(said["versions"], key=lambda one: one["number"])


class Starver:
    """Lets the prover, whichever it is, run for one twentieth of the time."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        found: list[int] = []
        while not self._ended.is_set():
            found = provers(self._fleet)
            for how, seconds in ((signal.SIGSTOP, 0.095), (signal.SIGCONT, 0.005)):
                for pid in found:
                    send(pid, how)
                self._ended.wait(seconds)
        for pid in found:
            send(pid, signal.SIGCONT)


def send(pid: int, how: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, how)


def hit(fleet: Fleet, how: signal.Signals) -> None:
    for pid in provers(fleet):
        send(pid, how)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is done to provers: `hits` before some saves, `around` all the time."""

    hits: Callable[[Fleet], None]
    around: Callable[[Fleet], AbstractContextManager[None]] = lambda _: nullcontext()


TROUBLES = {
    "killed": Trouble(hits=lambda fleet: hit(fleet, signal.SIGKILL)),
    "stopped": Trouble(hits=lambda fleet: hit(fleet, signal.SIGSTOP)),
    "starved": Trouble(hits=lambda _: None, around=Starver),
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with standing(tmp_path_factory.mktemp("prover")) as made:
        yield made


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5) as made:
        yield made


def has(fleet: Fleet, client: httpx.Client, number: int) -> list[bool]:
    """Say of each Envoy whether it has a version, by what it says itself."""
    ports = [fleet.ports[name] for name in ADMINS]
    page = "config_dump?resource=dynamic_route_configs"
    shown = [client.get(f"http://127.0.0.1:{port}/{page}").text for port in ports]
    return [f"mark-{number}-" in one for one in shown]


def is_true(fleet: Fleet, client: httpx.Client, number: int, state: str = "current") -> None:
    """What is shown is what three Envoys have."""
    assert has(fleet, client, number) == [True] * 3
    admin = f"http://127.0.0.1:{fleet.ports['controlplane']}"
    assert client.get(f"{admin}/ready").status_code == 200
    page = read(client.get(f"{admin}/fleet").content)
    assert [node["state"] for node in page["nodes"]] == ["live"] * 3
    assert [one["state"] for one in page["served"]["files"]] == [state]
    assert page["served"]["kept"] == []
    versions = {node["version"] for node in page["nodes"]}
    assert versions == {page["served"]["content"]}


@pytest.mark.parametrize("name", TROUBLES)
def test_saves_go_live_whatever_becomes_of_the_prover(
    fleet: Fleet, client: httpx.Client, name: str
) -> None:
    trouble, control = TROUBLES[name], fleet.running["controlplane"]
    first = 100 * (list(TROUBLES).index(name) + 1)
    before, known = prover(fleet), len(history(fleet))
    with loaded(fleet.ports["http"], "well", rate=100) as load, trouble.around(fleet):
        load.until("answers", lambda book: book.bodies)
        for number in range(first, first + SAVES):
            if number % EVERY == 0:
                trouble.hits(fleet)
            if number == first + BAD:
                fleet.write(gateway(number).replace("to: echo", "to: nobody"))
                mistake = json.loads(control.wait_for('"place"'))
                assert "/gateway.yaml:8:" in mistake["place"]
                control.wait_for("the last good version stays")
                is_true(fleet, client, number - 1, "last good")
                continue
            fleet.apply(gateway(number))
            is_true(fleet, client, number)
        book = load.end()
    assert (book.failures, book.failed) == (0, {})
    after = prover(fleet, before)
    assert not there(before)
    versions = history(fleet)[known:]
    assert [one["fate"] for one in versions] == ["live"] * (SAVES - 1)
    proofs = [one["proof"] for one in versions]
    assert all(proof.startswith((WARM, FRESH)) for proof in proofs), proofs
    assert any(proof.startswith(FRESH) for proof in proofs), "the prover was never missed"
    until("the new one is asked", lambda: warm(fleet, first + SAVES))
    assert provers(fleet) == [after]


def warm(fleet: Fleet, number: int) -> bool:
    """Save once more, and say whether the warm Envoy proved it."""
    fleet.apply(gateway(number + len(history(fleet))))
    return str(history(fleet)[-1]["proof"]).startswith(WARM)


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_envoy_is_left_of_a_control_plane(
    fleet: Fleet, how: signal.Signals, *, stopped: bool
) -> None:
    pid = prover(fleet)
    if stopped:
        send(pid, signal.SIGSTOP)
    if how is signal.SIGKILL:
        fleet.kill("controlplane")
    else:
        assert fleet.stop("controlplane") == 0
    until("it is gone", lambda: not there(pid))
    assert fleet.status("/") == 200
    fleet.start("controlplane")
    until("three are live", lambda: live(fleet) == 3)


def test_without_a_namespace_a_copy_is_proved_and_it_is_said_what_it_lacks(
    tmp_path: Path, client: httpx.Client
) -> None:
    with standing(tmp_path, Unwalled) as fleet:
        fleet.apply(gateway(1))
        is_true(fleet, client, 1)
        *_, proof = (str(one["proof"]) for one in history(fleet))
    words, _, lacks = proof.partition(", without ")
    assert words.startswith(WARM)
    assert set(lacks.split(", ")) == {CHECKS, NAMES, PORTS}
    assert any("prover without namespace" in line for line in fleet.said)
