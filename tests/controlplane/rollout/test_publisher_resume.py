"""A publisher that goes on from an earlier run: Envoys call the instances that they know."""

import asyncio
import time
from pathlib import Path

import pytest

from controlplane.build import Build, Options, build
from controlplane.history.retention import DAY
from controlplane.rollout import publisher
from controlplane.rollout.recorder import Recorder
from controlplane.snapshot import CLUSTER, ENDPOINTS, ROUTES
from controlplane.sources import SourceFile
from controlplane.store.store import Store
from language.mistakes import errors
from protos import EXTAUTHZ, LIMITS, PIPELINE, RATELIMIT
from protos.limits_pb2 import LimitSet
from tests.controlplane.history.noted import note
from tests.controlplane.rollout.keyed import made, standing
from tests.controlplane.rollout.published import Stage, run
from tests.controlplane.xds.delta_client import connected

OLD = made("keys", "acme")
NEW = made("{anyOf: [keys], scopes: [read]}", "acme")


def earlier(folder: Path) -> Recorder:
    """Run once, with one Envoy and one extauthz; return a recorder for the next run."""

    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, _):
            await envoy.until(lambda: envoy.members(EXTAUTHZ) == ["/extauthz"])
            await stage.live(OLD)

    (folder / "first").mkdir()
    run(folder / "first", body, Recorder(Store(folder / "state")))
    (folder / "second").mkdir()
    return Recorder(Store(folder / "state"))


async def resumed(stage: Stage) -> Build:
    last = await asyncio.to_thread(stage.publisher.before)
    assert last is not None
    stage.publisher.resume(last)
    await stage.publisher.publish(OLD, within=0, services=0)
    return last


def test_instances_of_an_earlier_run_are_called_as_long_as_they_may_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "RETURN_SECONDS", 3600.0)

    async def body(stage: Stage) -> None:
        await resumed(stage)
        async with stage.node() as envoy:
            await envoy.until(lambda: ENDPOINTS in envoy.held)
            assert envoy.members(EXTAUTHZ) == ["/extauthz"]
            async with stage.node(EXTAUTHZ, "unix:/b"):
                await envoy.until(lambda: envoy.members(EXTAUTHZ) != ["/extauthz"])
                assert envoy.members(EXTAUTHZ) == ["/b", "/extauthz"]

    recorder = earlier(tmp_path)
    run(tmp_path / "second", body, recorder)


def test_those_that_do_not_come_back_are_left_out_after_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "RETURN_SECONDS", 0.05)

    async def body(stage: Stage) -> None:
        await resumed(stage)
        async with stage.node() as envoy, stage.node(EXTAUTHZ, "unix:/b"):
            await envoy.until(lambda: ENDPOINTS in envoy.held)
            await envoy.until(lambda: envoy.members(EXTAUTHZ) == ["/b"])

    recorder = earlier(tmp_path)
    run(tmp_path / "second", body, recorder)


def test_what_an_earlier_run_published_stops_no_version(tmp_path: Path) -> None:
    """One Envoy refuses it: it is not its first, and the others have it."""

    async def body(stage: Stage) -> None:
        await resumed(stage)
        async with stage.node() as envoy, stage.node(EXTAUTHZ), stage.node(address="odd") as odd:
            odd.refused[CLUSTER] = "a field that I do not know"
            await odd.until(lambda: CLUSTER in odd.held)
            await envoy.until(lambda: ROUTES in envoy.held)
            old = dict(envoy.held[ROUTES])
            await stage.live(NEW)
            assert envoy.held[ROUTES] != old

    recorder = earlier(tmp_path)
    run(tmp_path / "second", body, recorder)


class Clock:
    """A clock that is set, in Unix seconds."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("days", [6.9, 7.1])
def test_an_old_route_is_judged_by_its_pipeline_for_a_week(tmp_path: Path, days: float) -> None:
    """OLD, then NEW, then the store alone: who has OLD's hash yet asks extauthz's side for it."""
    clock = Clock()
    old, new = (set(b.services[EXTAUTHZ].of(PIPELINE)) for b in (OLD, NEW))
    assert old.isdisjoint(new)

    async def first(stage: Stage) -> None:
        async with standing(stage, OLD):
            await stage.live(OLD)
            assert await recorder.note(OLD, note(1)) == 1
            await stage.live(NEW)
            assert await recorder.note(NEW, note(2)) == 2
            await recorder.settle(2, "live", {})

    async def second(stage: Stage) -> None:
        last = await asyncio.to_thread(stage.publisher.before)
        assert last is not None
        stage.publisher.resume(last)
        await stage.publisher.publish(NEW, within=0, services=0)
        async with connected(stage.socket, EXTAUTHZ, "unix:/b") as client:
            await client.ask(PIPELINE)
            assert {r.name for r in (await client.ack()).resources} == new
            await client.ask(PIPELINE, *old)
            found = await client.ack()
            there = {r.name for r in found.resources}
            assert (there, set(found.removed_resources)) == (
                (old, set()) if days < 7 else (set(), old)
            )

    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    recorder = Recorder(Store(tmp_path / "state", clock=clock), clock=clock)
    run(tmp_path / "first", first, recorder)
    clock.now += days * DAY
    again = Recorder(Store(tmp_path / "state", clock=clock), clock=clock)
    run(tmp_path / "second", second, again)


def test_limits_of_a_week_are_counted_beside_the_current_ones(tmp_path: Path) -> None:
    clock = Clock()
    three = [limited(rate) for rate in ("1/s", "2/s per: ip", "3/s per: global")]
    recorder = Recorder(Store(tmp_path / "state", clock=clock), clock=clock)
    for number, one in enumerate(three, 1):
        assert asyncio.run(recorder.note(one, note(number))) == number
        clock.now += DAY
    store = Store(tmp_path / "state", clock=clock)
    store.publish(three[-1])

    async def body(stage: Stage) -> None:
        last = await asyncio.to_thread(stage.publisher.before)
        assert last is not None
        stage.publisher.resume(last)
        await stage.publisher.publish(three[-1], within=0, services=0)
        async with stage.node(RATELIMIT) as node:
            await node.until(lambda: LIMITS in node.held)
            (held,) = node.held[LIMITS].values()
            ids = {limit.id for limit in LimitSet.FromString(held).limits}
            assert ids == {i for one in three for i in own_ids(one)}
            assert len(ids) > len(own_ids(three[-1]))

    run(tmp_path, body, Recorder(store, clock=clock))


def limited(rate: str) -> Build:
    amount, _, per = rate.partition(" ")
    text = f"""
version: 1
backends: {{echo: "http://127.0.0.1:9"}}
routes:
  - path: /a
    auth: none
    limits: [{{rate: {amount}, per: {per.removeprefix("per: ") or "route"}}}]
    to: echo
"""
    whole = build((SourceFile(name="gateway.yaml", data=text.encode()),), Options())
    assert not errors(whole.mistakes), whole.mistakes
    return whole


def own_ids(one: Build) -> set[str]:
    (served,) = one.services[RATELIMIT].of(LIMITS).values()
    return {limit.id for limit in LimitSet.FromString(served.body).limits}
