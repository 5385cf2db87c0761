"""Nodes that answer late, or no: what is said to be served, and what the history says of it."""

import asyncio
from pathlib import Path

import pytest

from controlplane.build import Build
from controlplane.snapshot import ROUTES
from foregate.applying import bringing
from foregate.applying.change import NOBODY
from tests.controlplane.rollout.published import Node
from tests.foregate.applying.world import Kept, World, gateway, play


@pytest.fixture(autouse=True)
def nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing, "ACK_SECONDS", 0.05)


async def refuses(world: World, envoy: Node) -> None:
    """A node that is late says no now; return when the last good is on offer again."""
    standing = world.stage.publisher.standing
    envoy.refused = {ROUTES: "no"}
    envoy.go.set()
    await other_than(world, standing)


async def other_than(world: World, standing: Build | None) -> None:
    while world.stage.publisher.standing is standing:  # noqa: ASYNC110 # nobody tells of it
        await asyncio.sleep(0.01)


def test_a_version_without_nodes_is_live_when_some_have_it(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(gateway("one"))
        await world.applier.look()
        assert world.fates() == ["published"]
        async with world.envoy():
            await world.arrived(1)
            assert {n.state for n in world.version(1).nodes.values()} == {"live"}

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_what_was_live_once_is_not_unsaid(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state")

    async def before(world: World) -> None:
        async with world.envoy_of(gateway("one")):
            await world.arrived(1)

    async def after(world: World) -> None:
        await world.applier.start()
        await world.applier.look()
        assert world.fates() == ["live"]

    play(tmp_path, before, kept=kept)
    play(tmp_path, after, kept=kept)


def test_the_last_good_that_comes_back_is_what_is_said_to_be_served(tmp_path: Path) -> None:
    """Of versions that follow each other unanswered: none of them, but the one before all."""

    async def body(world: World) -> None:
        async with world.envoy_of(gateway("one")) as envoy:
            await world.arrived(1)
            envoy.go.clear()
            await world.save(gateway("one", "two"))
            await world.save(gateway("one", "three"))
            assert world.applier.served.number == 3
            await refuses(world, envoy)
            for _ in range(3):
                await world.applier.look()
            assert (world.served(), world.applier.served.number) == ({"one"}, 1)
            assert world.applier.live is not None
            assert world.applier.live.number == 1
            assert world.fates() == ["live", "published", "rejected"]
            said = "a late node refused the version: the last good is served again"
            assert world.told.warned.count(said) == 1

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_no_at_once_takes_back_all_that_was_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(world: World) -> None:
        async with world.envoy_of(gateway("one")) as envoy:
            await world.arrived(1)
            envoy.go.clear()
            await world.save(gateway("one", "two"))
            standing = world.stage.publisher.standing
            world.put(gateway=gateway("one", "three"))
            monkeypatch.setattr(bringing, "ACK_SECONDS", 20)
            pushing = asyncio.create_task(world.applier.push(NOBODY))
            await other_than(world, standing)
            envoy.refused = {ROUTES: "no"}
            envoy.go.set()
            result = await pushing
            assert (result.state, result.number, world.served()) == ("refused", 1, {"one"})
            assert "the last good is served again" in result.warnings[-1]
            assert world.states == {"gateway.yaml": "last good"}
            assert world.fates() == ["live", "published", "rejected"]

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_no_after_all_had_it_is_noted_and_takes_nothing_back(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        async with world.envoy_of(gateway("one")):
            await world.arrived(1)
            await world.save(gateway("one", "two"))
            await world.arrived(2)
            async with world.stage.node(address="other") as other:
                other.refused = {ROUTES: "no"}
                await other.until(lambda: ROUTES in other.held)
                while "rejected" not in {n.state for n in world.version(2).nodes.values()}:
                    await asyncio.sleep(0.01)
                    await world.applier.look()
            assert (world.served(), world.fates()) == ({"one", "two"}, ["live", "live"])

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_version_that_was_refused_can_be_good_later(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        async with world.envoy_of(gateway("one")) as envoy:
            await world.arrived(1)
            envoy.refused = {ROUTES: "no"}
            await world.save(gateway("one", "two"))
            assert (world.fates(), world.applier.served.number) == (["live", "rejected"], 1)
            assert world.states == {"gateway.yaml": "last good"}
            envoy.refused = {}
            await world.applier.refresh()  # the same files: they were not published
            assert world.applier.served.number == 2
            await world.arrived(2)

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_late_no_and_then_the_same_files_again(tmp_path: Path) -> None:
    """Nobody has looked yet: what stands is the last good, and not what was saved last."""

    async def body(world: World) -> None:
        async with world.envoy_of(gateway("one")) as envoy:
            await world.arrived(1)
            envoy.go.clear()
            await world.save(gateway("one", "two"))
            await refuses(world, envoy)
            envoy.refused = {}
            await world.save(gateway("one"))
            assert (world.served(), world.applier.served.content) == (
                {"one"},
                world.version(1).content,
            )
            await world.applier.look()
            live = world.applier.live
            assert live is not None
            assert live.build is world.stage.publisher.standing

    play(tmp_path, body, kept=Kept(tmp_path / "state"))


def test_a_late_no_and_then_a_comment(tmp_path: Path) -> None:
    """What was refused is not what is served, though it was saved last: it is tried again."""

    async def body(world: World) -> None:
        async with world.envoy_of(gateway("one")) as envoy:
            await world.arrived(1)
            envoy.go.clear()
            await world.save(gateway("one", "two"))
            await refuses(world, envoy)
            envoy.refused = {}
            await world.save(gateway("one", "two") + "\n# again\n")
            assert (world.served(), world.told.same) == ({"one", "two"}, 0)

    play(tmp_path, body, kept=Kept(tmp_path / "state"))
