"""A version without a proof on its way to Envoys: one first, and what else changes meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controlplane.rollout.recorder import Recorder
from controlplane.snapshot import CLUSTER, ENDPOINTS, ROUTES
from controlplane.store.store import Store
from controlplane.xds import pilots
from protos import EXTAUTHZ
from tests.controlplane.rollout.keyed import made
from tests.controlplane.rollout.published import WITHIN, Node, Stage, run
from tests.controlplane.xds.raw_client import there

OLD = made("keys", "acme")
NEW = made("{anyOf: [keys], scopes: [read]}", "acme")
NEWER = made("{anyOf: [keys], scopes: [write]}", "acme")


@pytest.fixture(autouse=True)
def _no_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilots, "PILOT_SECONDS", 3600.0)
    monkeypatch.setattr(pilots, "LONGEST_SECONDS", 3600.0)


@asynccontextmanager
async def two(stage: Stage) -> AsyncIterator[tuple[Node, Node]]:
    """Two Envoys and an extauthz that have a version; the first is the pilot of the next."""
    await stage.publisher.publish(OLD, within=0, services=0)
    async with (
        stage.node(address="a") as first,
        stage.node(address="b") as second,
        stage.node(EXTAUTHZ),
    ):
        await stage.live(OLD)
        for node in (first, second):
            await node.until(lambda: node.members(EXTAUTHZ) == ["/extauthz"])  # noqa: B023 # awaited
        await stage.live(OLD)
        yield first, second


def phases(stage: Stage) -> dict[str, str]:
    return {view.node: view.phase for view in stage.publisher.fleet() if view.role == "envoy"}


def test_all_have_it_once_the_first_has_it(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (first, second):
            old = dict(second.held[ROUTES])
            first.go.clear()
            before = len(first.pushes)
            publishing = asyncio.create_task(stage.publisher.publish(NEW, within=WITHIN, proved=""))
            await first.until(lambda: len(first.pushes) > before)
            await second.asked()
            assert second.held[ROUTES] == old
            assert phases(stage)["b"] == "held"
            first.go.set()
            published = await publishing
            assert (published.outcome.state, published.late) == ("live", ())
            assert second.held[ROUTES] == first.held[ROUTES] != old

    run(tmp_path, body)


def test_what_the_first_refuses_is_taken_back_and_no_other_sees_it(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (first, second):
            old = dict(second.held[ROUTES])
            count = second.pushes.count(ROUTES)
            first.refused[ROUTES] = "no"
            published = await stage.publisher.publish(NEW, within=WITHIN, proved="")
            assert published.outcome.state == "rejected"
            assert stage.publisher.standing is OLD
            first.refused.clear()
            await first.until(lambda: first.held[ROUTES] == old)
            await second.asked()
            assert second.pushes.count(ROUTES) == count
            assert "held" not in phases(stage).values()
            await stage.live(NEWER)

    run(tmp_path, body)


def test_instances_change_for_all_with_the_version_that_each_has(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (first, second):
            old = dict(second.held[ROUTES])
            first.go.clear()
            publishing = stage.publisher.publish(NEW, within=0.05, services=WITHIN, proved="")
            assert (await publishing).outcome.state == "late"
            async with stage.node(EXTAUTHZ, "unix:/more"):
                await second.until(lambda: len(second.members(EXTAUTHZ)) == 2)
                assert second.held[ROUTES] == old
                async with stage.node(address="c") as third:  # with the version of before
                    await third.until(lambda: ROUTES in third.held)
                    assert third.held[ROUTES] == old
                    await third.until(lambda: len(third.members(EXTAUTHZ)) == 2)
                first.go.set()
                await second.until(lambda: second.held[ROUTES] != old)
                await first.until(lambda: len(first.members(EXTAUTHZ)) == 2)

    run(tmp_path, body)


def test_a_service_that_is_late_with_it_is_left_out_by_all(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (first, second), stage.node(EXTAUTHZ, "unix:/slow") as slow:
            await second.until(lambda: len(second.members(EXTAUTHZ)) == 2)
            await stage.live(OLD)
            old = dict(second.held[ROUTES])
            slow.go.clear()
            first.go.clear()
            await stage.publisher.publish(NEW, within=0.05, services=0.05, proved="")
            await second.until(lambda: second.members(EXTAUTHZ) == ["/extauthz"])
            assert second.held[ROUTES] == old

    run(tmp_path, body)


def test_the_last_good_goes_back_to_all_at_once(tmp_path: Path) -> None:
    """Also to a group that had the next already, and though its pilot says nothing now."""

    async def body(stage: Stage) -> None:
        async with (
            two(stage) as (first, _),
            stage.node(address="c", software="1.39.0") as passed,
            stage.node(address="d", software="1.39.0") as follower,
        ):
            for node in (passed, follower):
                await node.until(lambda: ROUTES in node.held)  # noqa: B023 # awaited
            await stage.live(OLD)
            old = dict(follower.held[ROUTES])
            first.go.clear()
            await stage.publisher.publish(NEW, within=0.05, services=WITHIN, proved="")
            await follower.until(lambda: follower.held[ROUTES] != old)
            passed.go.clear()
            first.refused[ROUTES] = "no"
            first.go.set()
            await follower.until(lambda: follower.held[ROUTES] == old)

    run(tmp_path, body)


def test_who_comes_with_more_keeps_it_until_there_is_a_whole_version(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.publisher.publish(OLD, within=0, services=0, partial=True)
        async with (
            stage.node(EXTAUTHZ),
            stage.node(address="empty") as empty,
            stage.node(address="full", holds="more") as full,
        ):
            await empty.until(lambda: ROUTES in empty.held)
            old = dict(empty.held[ROUTES])
            await there(stage.publisher.server, "full")
            empty.refused[ROUTES] = "no"
            published = await stage.publisher.publish(NEW, within=WITHIN, partial=True)
            assert published.outcome.state == "rejected"
            empty.refused.clear()
            await empty.until(lambda: empty.held[ROUTES] == old)  # taken back, and still partial
            for _ in range(2):  # the second is asked for after the ACK
                await empty.asked()
            assert (full.pushes, phases(stage)["full"]) == ([], "held")
            await stage.live(OLD)  # the same, and now it is known to be all
            assert full.held[ROUTES] == old

    run(tmp_path, body)


def test_versions_that_follow_each_other_take_the_newest_to_all(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (first, second):
            first.go.clear()
            for build in (NEW, NEWER):
                published = await stage.publisher.publish(
                    build, within=0.05, services=WITHIN, proved=""
                )
                assert published.outcome.state == "late"
            count = second.pushes.count(ROUTES)
            first.go.set()
            await second.until(lambda: second.pushes.count(ROUTES) > count)
            await second.asked()
            assert second.pushes.count(ROUTES) == count + 1  # never the one between
            assert second.held[ROUTES] == first.held[ROUTES]

    run(tmp_path, body)


def test_the_same_version_with_its_proof_lets_all_have_it(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (first, second):
            old = dict(second.held[ROUTES])
            first.go.clear()
            await stage.publisher.publish(NEW, within=0.05, services=WITHIN, proved="")
            await stage.publisher.publish(NEW, within=0.05, services=WITHIN)
            await second.until(lambda: second.held[ROUTES] != old)

    run(tmp_path, body)


def test_a_first_version_that_is_late_goes_on_with_the_next_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pilots, "PILOT_SECONDS", 0.05)

    async def body(stage: Stage) -> None:
        await stage.publisher.publish(OLD, within=0, services=0, proved="")
        async with stage.node(address="a") as first, stage.node(address="b") as second:
            first.go.clear()
            await second.until(lambda: ROUTES in second.held)
            first.go.set()
            await first.until(lambda: ROUTES in first.held)

    run(tmp_path, body)


def test_after_a_start_a_new_version_goes_to_one_first_and_the_others_keep_theirs(
    tmp_path: Path,
) -> None:
    async def earlier(stage: Stage) -> None:
        async with two(stage):
            pass

    async def body(stage: Stage) -> None:
        last = await asyncio.to_thread(stage.publisher.before)
        assert last is not None
        stage.publisher.resume(last)
        await stage.publisher.publish(NEW, within=0, services=0, proved="")
        async with stage.node(address="a") as first:
            first.go.clear()
            await first.until(lambda: CLUSTER in first.held)
            async with stage.node(address="b") as second:
                await there(stage.publisher.server, "b")
                assert phases(stage)["b"] == "held"
                assert second.pushes == []
                first.refused[ROUTES] = "no"
                first.go.set()
                await second.until(lambda: ROUTES in second.held)  # the last good
                assert stage.publisher.standing is last
                assert second.members(EXTAUTHZ) == ["/extauthz"]
                assert ENDPOINTS in second.held

    (tmp_path / "first").mkdir()
    run(tmp_path / "first", earlier, Recorder(Store(tmp_path / "state")))
    (tmp_path / "second").mkdir()
    run(tmp_path / "second", body, Recorder(Store(tmp_path / "state")))
