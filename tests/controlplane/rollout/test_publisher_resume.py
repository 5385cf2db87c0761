"""A publisher that goes on from an earlier run: Envoys call the instances that they know."""

import asyncio
from pathlib import Path

import pytest

from controlplane.build import Build
from controlplane.rollout import publisher
from controlplane.rollout.recorder import Recorder
from controlplane.snapshot import CLUSTER, ENDPOINTS, ROUTES
from controlplane.store.store import Store
from protos import EXTAUTHZ
from tests.controlplane.rollout.keyed import made, standing
from tests.controlplane.rollout.published import Stage, run

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
