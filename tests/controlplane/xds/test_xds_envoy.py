"""A real Envoy on both variants: what the specification cannot tell of how it behaves."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from controlplane.snapshot import CLUSTER, Resource, Snapshot, snapshot
from controlplane.xds.events import Acked, Nacked
from controlplane.xds.news import Heard
from controlplane.xds.outcome import Outcome
from controlplane.xds.server import Server
from tests.controlplane.xds.envoy_fleet import (
    DEADLINE,
    Envoy,
    backend,
    cluster,
    endpoints,
    get,
    listener,
    routes,
    running,
    static_cluster,
    until,
)

BOTH = pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
Test = Callable[[Server, Envoy], Awaitable[None]]


@BOTH
def test_a_backend_is_switched_and_no_request_is_lost(tmp_path: Path, *, delta: bool) -> None:
    """Each publish takes the old cluster away, brings the new one and moves the route."""

    async def body(server: Server, envoy: Envoy) -> None:
        async with backend("a") as a, backend("b") as b, backend("c") as c:
            await live(server, gateway("a", a))
            port = await envoy.port()
            assert await until(lambda: get(port)) == "a"
            ended = asyncio.Event()

            async def ask() -> None:
                while not ended.is_set():
                    assert await get(port) in {"a", "b", "c"}

            async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
                for _ in range(8):
                    tasks.create_task(ask())
                for name, place in (("b", b), ("c", c), ("a", a)) * 3:
                    await live(server, gateway(name, place))
                    await until(lambda: _answers(port, name))  # noqa: B023 - awaited in its round
                ended.set()
            await until(lambda: _has_clusters(envoy, 2))

    play(tmp_path, body, delta=delta)


async def _has_clusters(envoy: Envoy, count: int) -> bool:
    return await envoy.stat("cluster_manager.active_clusters") == count


@BOTH
def test_a_cluster_that_changed_without_its_endpoints_is_active(
    tmp_path: Path, *, delta: bool
) -> None:
    """Its endpoints come again. Without them it would warm for ever: there is no fetch timeout."""

    async def body(server: Server, envoy: Envoy) -> None:
        async with backend("one") as one:
            await live(server, gateway("c", one))
            await live(server, gateway("c", one, timeout="2s"))
            assert await envoy.stat("cluster_manager.warming_clusters") == 0
            port = await envoy.port()
            assert await until(lambda: get(port)) == "one"

    play(tmp_path, body, delta=delta)


@BOTH
def test_one_bad_cluster_is_rejected_once(tmp_path: Path, *, delta: bool) -> None:
    heard: list[Heard] = []

    async def body(server: Server, envoy: Envoy) -> None:
        async with backend("one") as one:
            await live(server, gateway("c", one))
            bad = static_cluster("bad", "not-an-address")
            outcome = await settled(server, gateway("c", one, bad))
            assert outcome.state == "rejected"
            assert "bad" in outcome.nacks[0].message
            # Routes go on, and their ACK comes after whatever a hot loop would have said.
            moved = await settled(server, gateway("c", one, bad, domain="y.test"))
            assert moved.state == "rejected"
            port = await envoy.port()
            assert await until(lambda: get(port)) == "one"
            await live(server, gateway("c", one, static_cluster("bad", "127.0.0.1")))
            assert await envoy.stat("cluster_manager.cds.update_rejected") == 1
            assert sum(isinstance(event, Nacked) for event in heard) == 1

    play(tmp_path, body, delta=delta, heard=heard.append)


@BOTH
def test_a_second_server_with_the_same_content_changes_nothing(
    tmp_path: Path, *, delta: bool
) -> None:
    """In delta nothing is sent but the two wildcards' empty answers."""
    heard: list[Heard] = []

    async def body(server: Server, envoy: Envoy) -> None:
        async with backend("one") as one:
            state = gateway("c", one)
            await live(server, state)
            port = await envoy.port()
            assert await until(lambda: get(port)) == "one"
            await server.__aexit__(None, None, None)
            assert await get(port) == "one"
            async with Server(f"unix:{tmp_path}/xds.sock", heard=heard.append) as second:
                await live(second, state)
                assert await get(port) == "one"
            acked = [event for event in heard if isinstance(event, Acked)]
            assert len(acked) == (2 if delta else 4)
            assert acked[0].type_url == CLUSTER

    play(tmp_path, body, delta=delta)


def gateway(
    name: str, port: int, *more: Resource, timeout: str = "1s", domain: str = "*"
) -> Snapshot:
    """Compile a listener whose only route leads to a cluster of one endpoint."""
    target = cluster(name, timeout=timeout)
    return snapshot([target, endpoints(target, port), listener(), routes(name, domain), *more])


async def live(server: Server, state: Snapshot) -> None:
    assert await settled(server, state) == Outcome(state="live")


async def settled(server: Server, state: Snapshot) -> Outcome:
    server.publish(state)
    return await server.settled(state.version, within=DEADLINE)


def play(
    folder: Path, body: Test, *, delta: bool, heard: Callable[[Heard], None] | None = None
) -> None:
    """Run a test with a server and an Envoy on it."""

    async def both() -> None:
        async with (
            Server(f"unix:{folder}/xds.sock", heard=heard) as server,
            running(folder, delta=delta) as envoy,
        ):
            await body(server, envoy)

    asyncio.run(both())


async def _answers(port: int, name: str) -> bool:
    return await get(port) == name
