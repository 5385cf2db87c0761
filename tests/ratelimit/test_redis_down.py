"""A Redis that is killed, stalls, refuses or is not there: answers stay in time, and recovers."""

import asyncio
import signal
import uuid
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import trustme
from structlog.testing import capture_logs

from decision.counters import Charge, CountersDownError, Kind, Limit
from ratelimit.stores.breaker import FAILURES, Phase
from ratelimit.stores.redis import RedisStore
from tests.e2e.process import free_port
from tests.ratelimit.redis_server import RedisServer
from tests.ratelimit.stepped import reached, refused, running

STALL = 0.2
"""Seconds of budget where Redis stalls: more than a busy test machine pauses."""


def charge(hits: int = 1) -> Charge:
    """On a counter of its own."""
    name = uuid.uuid4().hex
    one = Limit(id=name, name="a", kind=Kind.FIXED_WINDOW, amount=10**6, period_us=10**15)
    return Charge(one, name.encode(), hits)


async def spent(store: RedisStore, one: Charge) -> int:
    """What a counter holds."""
    outcome = await store.decide([one._replace(hits=0)], 9)
    return 10**6 - outcome.standings[0].remaining


async def why(call: Coroutine[Any, Any, object]) -> str:
    """Why a decision was not made; empty if it was."""
    try:
        await call
    except CountersDownError as error:
        return error.why
    return ""


def test_a_tick_is_one_call_of_the_script(redis: RedisServer) -> None:
    async def test() -> None:
        async with running(redis.url) as store:
            before = redis.client().info("commandstats")["cmdstat_evalsha"]["calls"]
            await asyncio.gather(*(store.decide([charge(), charge()], 9) for _ in range(40)))
            after = redis.client().info("commandstats")["cmdstat_evalsha"]["calls"]
            assert after - before == 1

    asyncio.run(test())


def test_a_forgotten_script_is_sent_again_and_charges_once(redis: RedisServer) -> None:
    async def test() -> None:
        async with running(redis.url) as store:
            one = charge()
            redis.client().script_flush()
            await asyncio.gather(*(store.decide([one], 9) for _ in range(7)))
            assert await spent(store, one) == 7

    asyncio.run(test())


def test_killed_under_load_and_back(own_redis: RedisServer) -> None:
    async def test() -> None:
        reasons: set[str] = set()
        async with running(own_redis.url) as store:

            async def load() -> None:
                while store.phase is Phase.CLOSED:
                    reasons.add(await why(store.decide([charge()], 9)))

            loads = [asyncio.create_task(load()) for _ in range(32)]
            await asyncio.sleep(0)
            await asyncio.to_thread(own_redis.kill)
            async with asyncio.timeout(20):
                await asyncio.gather(*loads)
            assert reasons <= {"", "connection", "open"}
            assert await why(store.decide([charge()], 9)) == "open"
            await asyncio.to_thread(own_redis.start)
            await reached(store, Phase.CLOSED)
            assert (await store.decide([charge()], 9)).admitted

    with capture_logs() as logs:
        asyncio.run(test())
    events = [line["event"] for line in logs]
    assert events[:2] == ["redis.back", "redis.lost"]
    assert events[-1] == "redis.back"


def test_stalled_and_back(own_redis: RedisServer) -> None:
    async def test() -> None:
        one = charge()
        async with running(own_redis.url, STALL) as store:
            with own_redis.stalled():
                for _ in range(FAILURES):
                    assert store.phase is Phase.CLOSED
                    assert await why(store.decide([one], 9)) == "timeout"
                assert store.phase is not Phase.CLOSED
                assert await why(store.decide([one], 9)) == "open"
            await reached(store, Phase.CLOSED)
            assert await spent(store, one) <= FAILURES  # what timed out was never sent again

    asyncio.run(test())


def test_a_stall_shorter_than_a_row_of_failures_is_borne(own_redis: RedisServer) -> None:
    async def test() -> None:
        one = charge()
        async with running(own_redis.url, STALL) as store:
            with own_redis.stalled():
                assert await why(store.decide([one], 9)) == "timeout"
            async with asyncio.timeout(20):
                while await why(store.decide([one._replace(hits=0)], 9)):
                    pass
            assert store.phase is Phase.CLOSED
            assert await spent(store, one) == 1  # late, and once

    asyncio.run(test())


def test_a_caller_with_less_time_waits_no_longer(own_redis: RedisServer) -> None:
    async def test() -> None:
        async with running(own_redis.url) as store:
            with own_redis.stalled():
                assert await why(store.decide([charge()], 0.001)) == "deadline"
                assert await why(store.decide([charge()], -1)) == "deadline"
                assert store.phase is Phase.CLOSED

    asyncio.run(test())


@pytest.mark.parametrize(
    ("trouble", "mend", "reason"),
    [
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "READONLY"),
        (
            ("CONFIG", "SET", "maxmemory", "1"),
            ("CONFIG", "SET", "maxmemory", "0"),
            "OOM",
        ),
    ],
)
def test_a_redis_that_can_not_be_written_is_down(
    own_redis: RedisServer, trouble: tuple[str, ...], mend: tuple[str, ...], reason: str
) -> None:
    async def test() -> None:
        async with running(own_redis.url) as store:
            own_redis.say(*trouble)
            for _ in range(FAILURES):
                assert await why(store.decide([charge()], 9)) == reason
            assert store.phase is not Phase.CLOSED
            own_redis.say(*mend)
            await reached(store, Phase.CLOSED)
            assert await why(store.decide([charge()], 9)) == ""

    with capture_logs() as logs:
        asyncio.run(test())
    assert {"event": "redis.lost", "reason": reason} in [
        {k: line[k] for k in ("event", "reason")} for line in logs if "reason" in line
    ]


def test_nobody_there_is_down_at_once(tmp_path: Path) -> None:
    with capture_logs() as logs:
        asyncio.run(refused(f"unix://{tmp_path}/redis.sock"))
    assert [line["reason"] for line in logs] == ["connection"]  # said once, however often tried


def test_a_password_opens_and_is_never_told(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, "--requirepass", "hunter2")
    server.start()

    async def test() -> None:
        right = f"unix://:hunter2@{server.socket}?db=3"
        async with running(right) as store:
            assert await why(store.decide([charge()], 9)) == ""
        for wrong in (f"unix://:hunter3@{server.socket}", f"unix://{server.socket}"):
            await refused(wrong)

    try:
        with capture_logs() as logs:
            asyncio.run(test())
    finally:
        server.end()
    assert [line.get("reason") for line in logs] == [None, "WRONGPASS", "NOAUTH"]
    assert "hunter" not in str(logs)


def test_tls_is_verified(tmp_path: Path) -> None:
    ours, foreign = trustme.CA(), trustme.CA()
    issued = ours.issue_cert("localhost")
    for name, pem in [
        ("cert.pem", issued.cert_chain_pems[0]),
        ("key.pem", issued.private_key_pem),
        ("ours.pem", ours.cert_pem),
        ("foreign.pem", foreign.cert_pem),
    ]:
        pem.write_to_path(str(tmp_path / name))
    port = free_port()
    words = ["--tls-port", str(port), "--tls-cert-file", str(tmp_path / "cert.pem")]
    words += ["--tls-key-file", str(tmp_path / "key.pem"), "--tls-auth-clients", "no"]
    words += ["--tls-ca-cert-file", str(tmp_path / "ours.pem")]
    server = RedisServer(tmp_path, *words)
    server.start()
    base = f"rediss://localhost:{port}/1?ssl_ca_certs={tmp_path}"

    async def test() -> None:
        async with running(f"{base}/ours.pem") as store:
            assert await why(store.decide([charge()], 9)) == ""
        for wrong in (f"{base}/foreign.pem", f"rediss://localhost:{port}"):
            await refused(wrong)

    try:
        asyncio.run(test())
    finally:
        server.end()


def test_a_redis_that_evicts_is_told(own_redis: RedisServer) -> None:
    async def test() -> None:
        own_redis.client().config_set("maxmemory-policy", "allkeys-lru")
        async with running(own_redis.url):
            pass

    with capture_logs() as logs:
        asyncio.run(test())
    assert "redis.evicts" in [line["event"] for line in logs]


def test_an_end_in_the_middle_leaves_nobody_waiting(own_redis: RedisServer) -> None:
    async def test() -> None:
        async with running(own_redis.url) as store:
            own_redis.signal(signal.SIGSTOP)
            waiting = asyncio.create_task(why(store.decide([charge()], 9)))
            await asyncio.sleep(0)
        own_redis.signal(signal.SIGCONT)
        async with asyncio.timeout(20):
            assert await waiting in {"connection", "open"}

    asyncio.run(test())
