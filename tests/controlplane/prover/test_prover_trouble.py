"""The warm Envoy killed, stopped, swollen: verdicts stay right, and another one comes."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster

from controlplane.gate.gate import Gate
from controlplane.gate.ledger import NAME
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed, Refused
from controlplane.prover.folder import PREFIX, folder
from controlplane.snapshot import CLUSTER, Subject
from foregate.parts import envoy
from tests.controlplane.gate.gate_snapshots import built, damaged, good
from tests.controlplane.prover.prover_gate import (
    WAIT,
    command,
    prover_pid,
    running,
    until_proved_by,
    warm,
)

PATIENT = Bounds(seconds=60)


def bad(cluster: Cluster) -> None:
    cluster.connect_timeout.nanos = -1


async def right(gate: Gate, number: int) -> set[str]:
    """A good and a bad snapshot have the verdicts that they deserve; by whom."""
    passed = await gate.prove(good(built(number)))
    assert isinstance(passed, Passed)
    refused = await gate.prove(damaged(good(built(number)), CLUSTER, bad, "b0"))
    assert isinstance(refused, Refused)
    assert [cause.certain for cause in refused.causes] == [(Subject(CLUSTER, "b0"),)]
    return {passed.how, refused.how}


def test_a_killed_prover_is_replaced_and_missed_by_nobody() -> None:
    async def killed() -> None:
        async with warm(PATIENT) as gate:
            first = prover_pid(os.getpid())
            os.kill(first, signal.SIGKILL)
            await right(gate, 4)
            await until_proved_by(gate, "prover")
            assert prover_pid(os.getpid()) != first
            assert await right(gate, 5) == {"prover"}

    asyncio.run(killed())


def test_a_stopped_prover_is_not_waited_for() -> None:
    async def stopped() -> None:
        async with warm(PATIENT) as gate:
            first = prover_pid(os.getpid())
            os.kill(first, signal.SIGSTOP)
            async with asyncio.timeout(PATIENT.seconds / 2):
                verdict = await gate.prove(good(built(4)))
            assert isinstance(verdict, Passed)
            assert verdict.how == "validate"
            await until_proved_by(gate, "prover")
            assert not running(first)

    asyncio.run(stopped())


def test_a_prover_that_stops_within_a_proof_is_left_behind() -> None:
    """It is stopped as soon as it is asked: the time that it has is then over, and it goes."""

    async def stopped() -> None:
        async with warm(Bounds(seconds=2, seconds_per_unit=0.1)) as gate:
            first = prover_pid(os.getpid())
            proving = asyncio.create_task(gate.prove(good(built(500))))
            while gate._standby is None or not gate._standby._lock.locked():  # noqa: ASYNC110, SLF001 # nothing else says that it is being asked
                await asyncio.sleep(0)
            os.kill(first, signal.SIGSTOP)
            verdict = await proving
            assert isinstance(verdict, Passed)
            assert verdict.how == "validate"
            await until_proved_by(gate, "prover")
            assert not running(first)

    asyncio.run(stopped())


def test_a_prover_that_holds_too_much_is_replaced() -> None:
    async def swollen() -> None:
        bounds = Bounds(seconds=60, resident=1 << 20)
        async with Gate(envoy=envoy().path, bounds=bounds) as gate:
            async with asyncio.timeout(WAIT):
                while gate.prover_memory() is None:  # noqa: ASYNC110 # it starts in the background
                    await asyncio.sleep(0.01)
            first = _opened(prover_pid(os.getpid()))
            assert first is not None
            verdict = await gate.prove(good(built(1)))
            assert isinstance(verdict, Passed)
            assert verdict.how == "prover"
            await asyncio.to_thread(_gone, first)
            await right(gate, 2)
            await until_proved_by(gate, "prover")

    asyncio.run(swollen())


def test_a_prover_without_memory_is_none() -> None:
    async def starved() -> None:
        async with Gate(envoy=envoy().path, bounds=Bounds(seconds=60, memory=1 << 20)) as gate:
            assert gate.prover_memory() is None
            assert not isinstance(await gate.prove(good(built(1))), Passed)

    asyncio.run(starved())


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where folders are made; a socket's path must be shorter than those of tests are."""
    with tempfile.TemporaryDirectory(prefix="fg", dir="/tmp") as name:  # it is private
        monkeypatch.setattr("tempfile.tempdir", name)
        yield Path(name)


def test_memory_is_told_and_nothing_is_left(place: Path) -> None:
    async def lived() -> int:
        async with warm(PATIENT) as gate:
            memory = gate.prover_memory()
            assert memory
            assert memory > 10 << 20
            pid = prover_pid(os.getpid())
            assert str(place) in command(pid)
            return pid

    pid = asyncio.run(lived())
    assert not running(pid)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("after", [0.0, 0.05, 0.3])
def test_a_cancelled_owner_leaves_nothing(after: float, place: Path) -> None:
    async def owner() -> None:
        async with Gate(envoy=envoy().path, bounds=PATIENT) as gate:
            for number in range(1, 1000):
                await gate.prove(good(built(number)))

    async def cancelled() -> None:
        owning = asyncio.create_task(owner())
        await asyncio.wait({owning}, timeout=after)
        owning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await owning

    asyncio.run(cancelled())
    assert [one for one in Path("/proc").iterdir() if str(place) in command_of(one)] == []
    assert list(place.iterdir()) == []


def command_of(folder: Path) -> str:
    return command(int(folder.name)) if folder.name.isdigit() else ""


def test_where_no_namespace_is_allowed_a_stripped_copy_is_proved(tmp_path: Path) -> None:
    """And it is written down as one: with a namespace, later, it is proved anew."""
    code = """
import asyncio, sys
from pathlib import Path
from controlplane.gate.gate import Gate
from controlplane.gate.validate import Bounds
from foregate.parts import envoy
from tests.controlplane.gate.gate_snapshots import built, good
async def main():
    bounds = Bounds(seconds=60)
    async with Gate(envoy=envoy().path, folder=Path(sys.argv[1]), bounds=bounds) as gate:
        print("replaced:", *(await gate.prove(good(built(2)))).replaced, sep="|")
asyncio.run(main())
"""
    forbid = "echo 0 > /proc/sys/user/max_net_namespaces"
    done = subprocess.run(
        [
            "/usr/bin/env",
            "unshare",
            "-r",
            "sh",
            "-c",
            f'{forbid}; exec "$@"',
            "sh",
            sys.executable,
            "-c",
            code,
            str(tmp_path),
        ],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "replaced:|active health checks|ports of listeners\n" in done.stdout
    assert [key.split()[1:3] for key, *_ in json.loads((tmp_path / NAME).read_bytes())] == [
        ["prover", "open"]
    ]


def test_what_a_killed_owner_left_is_removed_and_nothing_else(place: Path) -> None:
    code = "import time\nfrom controlplane.prover.folder import folder\n"
    code += "with folder() as own: (own / 'xds.sock').touch(); print(own, flush=True); input()"
    owners = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[3],
            env={**os.environ, "TMPDIR": str(place)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    try:
        killed, fresh, living = (
            Path(one.stdout.readline().strip()) for one in owners if one.stdout is not None
        )
        others = place / "other-12345678"
        link = place / f"{PREFIX}link"
        others.mkdir(mode=0o700)
        link.symlink_to(others)
        for owner in owners[:2]:
            owner.kill()
            owner.wait(WAIT)
        for old in (killed, living, others):
            os.utime(old, (1, 1))
        with folder() as own:
            assert {*place.iterdir()} == {fresh, living, others, link, own}
            assert [*living.iterdir()] == [living / "xds.sock"]
    finally:
        for owner in owners:
            owner.kill()
            owner.communicate()


@pytest.mark.parametrize("namespace", [True, False])
def test_no_process_survives_the_kill_of_its_owner(*, namespace: bool) -> None:
    code = """
import asyncio, os, sys
from controlplane.gate.validate import Bounds
from tests.controlplane.prover.prover_gate import prover_pid, warm
async def main():
    async with warm(Bounds(seconds=60), namespace=sys.argv[1] == "True"):
        print(prover_pid(os.getpid()), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(namespace)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        pid = next(int(line) for line in owner.stdout if line.strip().isdigit())
        assert running(pid)
        owner.kill()
        owner.wait(WAIT)
    pidfd = _opened(pid)
    if pidfd is not None:
        _gone(pidfd)
    assert not running(pid)


def _opened(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _gone(pidfd: int) -> None:
    """Wait until the process behind a descriptor has ended."""
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        assert poll.poll(WAIT * 1000)
    finally:
        os.close(pidfd)
