"""A whole serving process: where its policy comes from, its health, and its end."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from structlog.testing import capture_logs

from controlplane.snapshot import Resource, snapshot
from controlplane.xds.server import Server
from protos import FLEET, LIMITS, RATELIMIT
from serving.run import Settings, serve
from serving.service import Service
from tests.serving.sample_service import ECHO, SECRET, SampleIntake, maker, service
from tests.serving.test_serving_policyfile import text

ROOT = Path(__file__).parents[2]
XDS = (FLEET, LIMITS)


def of_xds(intake: SampleIntake | None = None) -> Service:
    return service(types=XDS, intake=intake or SampleIntake(types=XDS))


def settings(tmp_path: Path, *, policy: Path | None = None, node: str = "") -> Settings:
    return Settings(
        listen=f"unix:{tmp_path}/s",
        xds="" if policy else f"unix:{tmp_path}/x",
        policy=policy,
        state=tmp_path / "state",
        node=node,
        linger=0,
    )


class Watching:
    """A client of the health service that waits for a status."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        watch: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch")
        self._stream = watch(HealthCheckRequest().SerializeToString(), wait_for_ready=True)

    async def until(self, status: str) -> None:
        async with asyncio.timeout(10):
            while await self.next() != status:
                pass

    async def next(self) -> str:
        data: object = await self._stream.read()
        assert isinstance(data, bytes)
        return HealthCheckResponse.ServingStatus.Name(HealthCheckResponse.FromString(data).status)


@asynccontextmanager
async def running(
    made: Service, how: Settings, code: int = 0
) -> AsyncIterator[tuple[Watching, grpc.aio.Channel]]:
    stop = asyncio.Event()
    task = asyncio.create_task(serve(maker(made), how, stop))
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100))
    async with grpc.aio.insecure_channel(how.listen, options=options) as channel:
        watching = Watching(channel)
        try:
            yield watching, channel
        finally:
            stop.set()
            assert await asyncio.wait_for(task, 10) == code


def world(**versions: str) -> list[Resource]:
    return [
        Resource(type_url=LIMITS, name=n, version=v, body=f"{n} {v}".encode())
        for n, v in versions.items()
    ]


def test_health_follows_the_policy_and_the_end(tmp_path: Path) -> None:
    async def body() -> None:
        how = settings(tmp_path, node="me")
        stop = asyncio.Event()
        async with asyncio.timeout(30), Server(how.xds) as server:
            task = asyncio.create_task(serve(maker(of_xds()), how, stop))
            async with grpc.aio.insecure_channel(how.listen) as channel:
                watching = Watching(channel)
                assert await watching.next() == "NOT_SERVING"
                one = snapshot(world(a="1"))
                server.publish(one, RATELIMIT)
                assert await watching.next() == "SERVING"
                assert (
                    await server.settled(one.version, within=10, role=RATELIMIT)
                ).state == "live"
                assert server.nodes_of(RATELIMIT) == ("me",)
                echo: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
                echo = channel.unary_unary(f"/{ECHO}")
                assert await echo(b"x", timeout=10) == b"x"
                stop.set()
                assert await watching.next() == "NOT_SERVING"
                assert await task == 0
                while server.nodes_of(RATELIMIT):  # it leaves the control plane
                    server._streams.moved.clear()  # noqa: SLF001 # the server tells nobody else
                    await server._streams.moved.wait()  # noqa: SLF001 # as above

    asyncio.run(body())


def test_it_starts_from_its_last_good_without_a_control_plane(tmp_path: Path) -> None:
    how = settings(tmp_path)
    intake = SampleIntake(types=XDS)

    async def first() -> None:
        async with asyncio.timeout(30), Server(how.xds) as server:
            server.publish(snapshot(world(a="1", b="1")), RATELIMIT)
            async with running(of_xds(), how) as (watching, _):
                await watching.until("SERVING")

    async def second() -> None:
        async with asyncio.timeout(30), running(of_xds(intake), how) as (watching, _):
            await watching.until("SERVING")
            assert intake.held == {LIMITS: {"a": b"a 1", "b": b"b 1"}, FLEET: {}}
            # Only what differs comes once the control plane is back.
            async with Server(how.xds) as server:
                server.publish(snapshot(world(a="2", b="1")), RATELIMIT)
                await intake.until(lambda: intake.held[LIMITS]["a"] == b"a 2")
                sent = [dict(u.changed) for u in intake.taken[2:] if u.changed]
                assert sent == [{"a": b"a 2"}]

    asyncio.run(first())
    kept = tmp_path / "state" / "ratelimit" / "last-good"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    asyncio.run(second())


def test_a_part_of_a_policy_is_no_last_good(tmp_path: Path) -> None:
    how = settings(tmp_path)
    fleet = Resource(type_url=FLEET, name="fleet", version="1", body=b"bad")
    part = snapshot([*world(a="1"), fleet])

    async def body() -> None:
        intake = SampleIntake(types=XDS)
        async with asyncio.timeout(30), Server(how.xds) as server:
            server.publish(part, RATELIMIT)
            async with running(service(intake=intake), how) as (watching, _):
                outcome = await server.settled(part.version, within=10, role=RATELIMIT)
                assert outcome.state == "rejected"
                assert intake.held == {LIMITS: {"a": b"a 1"}}
                assert await watching.next() == "NOT_SERVING"

    asyncio.run(body())
    assert not (tmp_path / "state").exists()


def test_a_broken_last_good_is_as_none(tmp_path: Path) -> None:
    how = settings(tmp_path)
    kept = tmp_path / "state" / "ratelimit" / "last-good"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"foregate last good 1\n and nothing true")

    async def body() -> None:
        async with asyncio.timeout(30), running(of_xds(), how) as (watching, _):
            assert await watching.next() == "NOT_SERVING"
            async with Server(how.xds) as server:
                server.publish(snapshot(world(a="1")), RATELIMIT)
                await watching.until("SERVING")

    with capture_logs() as logs:
        asyncio.run(body())
    assert "last good ignored" in [line["event"] for line in logs]


def test_a_policy_file_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(text())

    async def body() -> None:
        how = settings(tmp_path, policy=path)
        async with asyncio.timeout(30), running(service(), how) as (watching, _):
            await watching.until("SERVING")

    asyncio.run(body())
    assert not (tmp_path / "state").exists()


def _nothing(path: Path) -> None:
    path.write_text("{")


def _taken(path: Path) -> None:
    path.write_text(text())
    (path.parent / "s").write_text("no socket")


@pytest.mark.parametrize(("spoil", "why"), [(_nothing, "no Bundle"), (_taken, "no socket")])
def test_what_cannot_start_says_why(
    tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    path = tmp_path / "p.json"
    spoil(path)
    with capture_logs() as logs:
        how = settings(tmp_path, policy=path)
        assert asyncio.run(serve(maker(service()), how, asyncio.Event())) == 1
    (line,) = logs
    assert line["event"] == "cannot start"
    assert why in line["why"]


def test_work_that_fails_ends_the_process_and_tells_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(text())

    async def work() -> None:
        raise ValueError(SECRET)

    with capture_logs() as logs:
        how = settings(tmp_path, policy=path)
        code = asyncio.run(serve(maker(service(work=work)), how, asyncio.Event()))
    assert code == 1
    (line,) = [line for line in logs if line["event"] == "failed"]
    assert line["error"] == "ValueError"
    assert line["at"].startswith("test_serving_run.py:")
    assert SECRET not in str(logs)


PROGRAM = """
import asyncio, sys
from pathlib import Path
import uvloop
from serving.logs import configure
from serving.run import Settings, run
from tests.serving.sample_service import main
configure("ratelimit")
how = Settings(listen=sys.argv[1], policy=Path(sys.argv[2]), admin=":0")
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    sys.exit(runner.run(run(main, how)))
"""


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_a_process_ends_by_a_signal_in_time(tmp_path: Path, signal_: signal.Signals) -> None:
    path = tmp_path / "p.json"
    path.write_text(text())
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"unix:{tmp_path}/s", str(path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None
    try:
        events = []
        for line in process.stderr:
            events.append(json.loads(line))
            if events[-1]["event"] == "serving":
                break
        assert events[-1]["address"] == f"unix:{tmp_path}/s"
        assert events[-1]["service"] == "ratelimit"
        with grpc.insecure_channel(f"unix:{tmp_path}/s") as channel:
            echo: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{ECHO}")
            assert echo(b"x", timeout=10) == b"x"
            began = time.monotonic()
            process.send_signal(signal_)
            assert process.wait(timeout=10) == 0
            assert time.monotonic() - began < 3  # a promise: an orchestrator kills after it
        assert not (tmp_path / "s").exists()
        assert [json.loads(line)["event"] for line in process.stderr] == ["ending"]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
