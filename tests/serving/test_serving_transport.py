"""The grpc.aio transport under a real gRPC client."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from structlog.testing import capture_logs

from serving.address import Address, address
from serving.health import Health
from serving.metrics import Metrics
from serving.sockets import BindError, clear
from serving.transport import MESSAGE_BYTES, GrpcTransport
from tests.serving.sample_service import ECHO, FAIL, HANG, SECRET, SLOW, Sample

CHECK = "grpc.health.v1.Health/Check"
WATCH = "grpc.health.v1.Health/Watch"


@dataclass
class Rig:
    transport: GrpcTransport
    sample: Sample
    health: Health
    metrics: Metrics
    where: Address
    channel: grpc.aio.Channel

    async def call(self, method: str, data: bytes = b"x", within: float | None = 10) -> bytes:
        unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
        unary = self.channel.unary_unary(f"/{method}")
        return await unary(data, timeout=within)

    async def status(self, method: str, data: bytes = b"x", within: float | None = 10) -> str:
        """The status of a call that fails, and its words."""
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await self.call(method, data, within)
        return f"{error.value.code().name}: {error.value.details()}"


@asynccontextmanager
async def serving(where: str, *, calls: int = 100) -> AsyncIterator[Rig]:
    sample, metrics = Sample(), Metrics()
    health = Health(sample.methods)
    transport = GrpcTransport(
        address(where), sample.methods, metrics, calls=calls, extra=health.add_to
    )
    bound = await transport.start()
    options = (("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1))
    async with grpc.aio.insecure_channel(str(bound), options=options) as channel:
        try:
            yield Rig(transport, sample, health, metrics, bound, channel)
        finally:
            await transport.stop(0)


def run(
    tmp_path: Path,
    body: Callable[[Rig], Awaitable[None]],
    *,
    calls: int = 100,
    where: str = "",
) -> None:
    async def all_of_it() -> None:
        async with asyncio.timeout(30), serving(where or f"unix:{tmp_path}/s", calls=calls) as rig:
            await body(rig)

    asyncio.run(all_of_it())


@pytest.mark.parametrize("where", ["", "127.0.0.1:0", ":0", "[::1]:0"])
def test_a_call_is_answered_and_its_time_is_known(tmp_path: Path, where: str) -> None:
    async def body(rig: Rig) -> None:
        assert await rig.call(ECHO, b"\0\xff") == b"\0\xff"
        await rig.call(ECHO, within=0.5)
        await rig.call(ECHO, within=None)
        assert 0 < rig.sample.left[1] < 0.6
        assert rig.sample.left[2] == 1.0
        assert (await rig.status("foregate.test.Sample/None")).startswith("UNIMPLEMENTED")

    run(tmp_path, body, where=where)


def test_a_fault_of_a_handler_is_internal_and_tells_nothing(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        with capture_logs() as logs:
            assert await rig.status(FAIL, b"body") == "INTERNAL: the service failed"
        assert await rig.call(ECHO) == b"x"
        (log,) = logs
        assert (log["event"], log["error"]) == ("call failed", "ValueError")
        assert log["at"].startswith("sample_service.py:")
        assert SECRET not in str(logs)
        assert "body" not in str(logs)

    run(tmp_path, body)


def test_a_handler_is_cancelled_when_nobody_waits_any_more(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        assert (await rig.status(HANG, within=0.05)).startswith("DEADLINE_EXCEEDED")
        await rig.sample.cancelled.wait()
        rig.sample.cancelled.clear()
        assert (await rig.status(HANG, within=None)).startswith("DEADLINE_EXCEEDED")
        assert rig.sample.cancelled.is_set()

    run(tmp_path, body)


def test_one_call_more_than_allowed_is_refused_and_health_is_not(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        first = asyncio.create_task(rig.call(SLOW))
        await rig.sample.entered.wait()
        assert (await rig.status(ECHO)).startswith("RESOURCE_EXHAUSTED")
        await rig.call(CHECK, b"")
        rig.sample.release.set()
        assert await first == b"x"
        assert await rig.call(ECHO) == b"x"
        refused = rig.metrics.registry.get_sample_value(
            "foregate_calls_refused_total", {"reason": "RESOURCE_EXHAUSTED"}
        )
        assert refused == 1

    run(tmp_path, body, calls=1)


def test_a_message_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        assert (await rig.status(ECHO, b"x" * (MESSAGE_BYTES + 1))).startswith("RESOURCE_EXHAUSTED")
        assert rig.sample.left == []
        assert await rig.call(ECHO) == b"x"

    run(tmp_path, body)


def test_at_the_end_running_calls_are_answered_and_new_ones_refused(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        await rig.call(ECHO)
        running = asyncio.create_task(rig.call(SLOW))
        await rig.sample.entered.wait()
        ending = asyncio.create_task(rig.transport.stop(10))
        assert (await rig.status(ECHO)).startswith("UNAVAILABLE")
        rig.sample.release.set()
        assert await running == b"x"
        await ending
        assert not (tmp_path / "s").exists()

    run(tmp_path, body)


def test_the_end_waits_no_longer_than_it_was_told(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        running = asyncio.create_task(rig.status(HANG))
        await rig.sample.entered.wait()
        await rig.transport.stop(0.05)
        assert (await running).split(":")[0] in {"UNAVAILABLE", "CANCELLED"}

    run(tmp_path, body)


def test_a_socket_is_for_owner_and_group(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        assert rig.where.path == tmp_path / "s"
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) & 0o007 == 0

    run(tmp_path, body)


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))

    async def body(rig: Rig) -> None:
        assert await rig.call(ECHO) == b"x"

    run(tmp_path, body)


@pytest.mark.parametrize("where", ["unix", "127.0.0.1:0"])
def test_the_address_of_a_living_process_is_not_taken(tmp_path: Path, where: str) -> None:
    async def body(rig: Rig) -> None:
        second = GrpcTransport(rig.where, {}, Metrics())
        with pytest.raises(BindError, match="taken"):
            await second.start()
        assert await rig.call(ECHO) == b"x"

    run(tmp_path, body, where="" if where == "unix" else where)


def test_a_file_that_is_no_socket_stays(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("mine")
    with pytest.raises(BindError, match="no socket"):
        run(tmp_path, lambda _: asyncio.sleep(0))
    assert (tmp_path / "s").read_text() == "mine"


def test_health_is_told_and_watched(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        async def check(service: str) -> str:
            data = HealthCheckRequest(service=service).SerializeToString()
            return _status(await rig.call(CHECK, data))

        await rig.health.set(serving=False)
        watch: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
        watch = rig.channel.unary_stream(f"/{WATCH}")
        stream = watch(HealthCheckRequest().SerializeToString())
        seen = [_status(await stream.read())]
        for serving in (True, False, True):
            await rig.health.set(serving=serving)
            seen.append(_status(await stream.read()))
        assert await check("") == await check("foregate.test.Sample") == "SERVING"
        await rig.health.end()
        seen.append(_status(await stream.read()))
        await rig.health.set(serving=True)  # too late
        assert await check("") == await check("foregate.test.Sample") == "NOT_SERVING"
        assert seen == ["NOT_SERVING", "SERVING", "NOT_SERVING", "SERVING", "NOT_SERVING"]
        assert (await rig.status(CHECK, b"\n\x01x")).startswith("NOT_FOUND")

    run(tmp_path, body)


def _status(data: object) -> str:
    assert isinstance(data, bytes)
    return HealthCheckResponse.ServingStatus.Name(HealthCheckResponse.FromString(data).status)


def test_a_socket_without_its_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(BindError) as error:
        clear(tmp_path / "nowhere" / "x.sock")
    assert "there is no folder" in error.value.message
    (tmp_path / "file").write_text("")
    with pytest.raises(BindError):
        clear(tmp_path / "file" / "x.sock")
