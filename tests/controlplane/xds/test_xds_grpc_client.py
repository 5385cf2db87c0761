"""gRPC's own xDS client (C-core) as a second client that is not ours: it calls all the time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.snapshot import CLUSTER, Snapshot
from controlplane.xds.events import Nacked
from controlplane.xds.news import Heard
from controlplane.xds.server import Server
from tests.controlplane.xds.grpc_mesh import NODE, Caller, backend, caller, mesh


@dataclass
class Ear:
    """What the server hears, and a way to wait for it."""

    events: list[Heard] = field(default_factory=list)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: Heard) -> None:
        self.events.append(event)
        self.moved.set()

    async def nacked(self, count: int) -> Nacked:
        """Wait for so many refusals in all, and return the last."""
        while len(self.nacks) < count:
            self.moved.clear()
            await self.moved.wait()
        return self.nacks[-1]

    @property
    def nacks(self) -> list[Nacked]:
        return [event for event in self.events if isinstance(event, Nacked)]


@dataclass(frozen=True)
class Stage:
    """A server, a process that calls through it, and two backends by name."""

    target: str
    server: Server
    ear: Ear
    caller: Caller
    a: int
    b: int

    async def live(self, state: Snapshot) -> None:
        self.server.publish(state)
        assert (await self.server.settled(state.version, within=20)).state == "live"


def test_calls_reach_the_backend(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.live(mesh("a", {"a": stage.a}))
        await stage.caller.until("a")
        assert stage.server.nodes == (NODE,)

    _run(tmp_path, body)


def test_backends_are_switched_and_no_call_is_lost(tmp_path: Path) -> None:
    """Each publish brings a new cluster, moves the route, and takes the old cluster away."""

    async def body(stage: Stage) -> None:
        await stage.live(mesh("a", {"a": stage.a}))
        await stage.caller.until("a")
        for name, port in (("b", stage.b), ("a", stage.a)) * 5:
            stage.server.publish(mesh(name, {name: port}))
            await stage.caller.until(name)

    _run(tmp_path, body)


def test_new_endpoints_and_a_new_cluster_of_the_same_name_lose_no_call(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(mesh("x", {"x": stage.a}))
        await stage.caller.until("a")
        stage.server.publish(mesh("x", {"x": stage.b}))
        await stage.caller.until("b")
        stage.server.publish(mesh("x", {"x": stage.a}, timeout="2s"))
        await stage.caller.until("a")

    _run(tmp_path, body)


def test_what_it_refuses_is_told_once_and_the_correction_is_taken(tmp_path: Path) -> None:
    """The route does not move to a cluster that was refused, so no call is lost."""

    async def body(stage: Stage) -> None:
        both = {"a": stage.a, "b": stage.b}
        await stage.live(mesh("a", both))
        await stage.caller.until("a")
        refused = mesh("a", both, kind="ORIGINAL_DST")
        stage.server.publish(refused)
        nack = await stage.ear.nacked(1)
        assert (nack.node, nack.type_url) == (NODE, CLUSTER)
        assert "a" in nack.message
        assert (await stage.server.settled(refused.version, within=20)).state == "rejected"
        stage.server.publish(mesh("a", {**both, "c": stage.b}, kind="ORIGINAL_DST"))
        await stage.live(mesh("b", both))
        await stage.caller.until("b")
        assert len(stage.ear.nacks) == 1

    _run(tmp_path, body)


def test_a_server_that_comes_again_with_the_same_loses_no_call(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        state = mesh("a", {"a": stage.a})
        await stage.live(state)
        await stage.caller.until("a")
        await stage.server.__aexit__(None, None, None)
        async with Server(stage.target) as second:
            second.publish(state)
            assert (await second.settled(state.version, within=20)).state == "live"
            second.publish(mesh("b", {"b": stage.b}))
            await stage.caller.until("b")

    _run(tmp_path, body)


def _run(folder: Path, body: Callable[[Stage], Awaitable[None]]) -> None:
    async def whole() -> None:
        target = f"unix:{folder}/xds.sock"
        ear = Ear()
        async with (
            asyncio.timeout(60),
            backend("a") as a,
            backend("b") as b,
            Server(target, heard=ear) as server,
            caller(target, folder) as calls,
        ):
            await body(Stage(target=target, server=server, ear=ear, caller=calls, a=a, b=b))
            await calls.end()
            assert calls.calls > 0

    asyncio.run(whole())
