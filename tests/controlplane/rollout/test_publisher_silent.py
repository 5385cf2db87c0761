"""Nodes that say nothing, too little or no: they do not hold back what the others have."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from controlplane.rollout import moving
from controlplane.rollout.moving import MOVE_SECONDS
from controlplane.snapshot import CLUSTER, ROUTES
from controlplane.xds import roll
from tests.controlplane.rollout.keyed import made, people, standing
from tests.controlplane.rollout.published import WITHIN, Node, Stage, run
from tests.controlplane.xds.raw_client import RawClient, raw_client

OLD = made("keys", "acme")
NEW = made("{anyOf: [keys], scopes: [read]}", "acme", "bob")
THIRD = made("{anyOf: [keys], scopes: [write]}", "bob")
BACK = "a late node refuses the version: the last good is back"


@asynccontextmanager
async def partial(stage: Stage) -> AsyncIterator[RawClient]:
    """A client that asks for clusters only, and ACKs them."""
    async with raw_client(f"unix:{stage.socket}", delta=True, node="partial") as client:
        await client.ask(CLUSTER)
        await client.ack()
        yield client


@asynccontextmanager
async def odd(stage: Stage) -> AsyncIterator[Node]:
    """An Envoy that has refused what all others have long taken."""
    async with stage.node(address="odd") as node:
        node.refused[CLUSTER] = "a field that I do not know"
        while not refusing(stage, "odd"):
            await node.asked()
        yield node


def refusing(stage: Stage, name: str) -> bool:
    """Whether the server has heard of a node's refusal."""
    nodes = [view for view in stage.publisher.fleet() if view.node.endswith(name)]
    return any(one.nacked for view in nodes for one in view.types)


def test_the_last_ack_makes_it_the_last_good_however_late_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what is refused next would be taken back to routes that were closed since."""
    monkeypatch.setattr(moving, "MOVE_SECONDS", 0.05)
    taken = asyncio.Event()

    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, authz):
            old = dict(envoy.held[ROUTES])
            envoy.go.clear()
            publishing = stage.publisher.publish(NEW, within=0.01, saved=time.monotonic())
            assert (await publishing).outcome.state == "late"
            await authz.until(lambda: people(authz) == {"acme", "bob"})  # the time is over
            envoy.go.set()
            await taken.wait()
            new = dict(envoy.held[ROUTES])
            assert new != old
            monkeypatch.setattr(moving, "MOVE_SECONDS", MOVE_SECONDS)
            envoy.refused[ROUTES] = "no"
            published = await stage.publisher.publish(THIRD, within=WITHIN)
            assert published.outcome.state == "rejected"
            assert stage.publisher.standing is NEW
            await envoy.until(lambda: envoy.held[ROUTES] == new)

    run(tmp_path, body, took=lambda _: taken.set())


def test_a_refusal_brings_the_last_good_back_however_late_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else others of its group that start would be given nothing: it is kept from them."""
    monkeypatch.setattr(moving, "MOVE_SECONDS", 0.05)

    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, authz):
            old = dict(envoy.held[ROUTES])
            envoy.go.clear()
            assert (await stage.publisher.publish(NEW, within=0.01)).outcome.state == "late"
            await authz.until(lambda: people(authz) == {"acme", "bob"})  # the time is over
            envoy.refused = {ROUTES: "no"}
            envoy.go.set()
            await envoy.until(lambda: envoy.held[ROUTES] != old)
            await envoy.until(lambda: envoy.held[ROUTES] == old)
            assert stage.publisher.standing is OLD
            await authz.until(lambda: people(authz) == {"acme"})
            async with stage.node(address="fresh") as fresh:
                await fresh.until(lambda: fresh.held.get(ROUTES) == old)

    run(tmp_path, body)


def test_a_client_of_one_type_holds_no_version_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(moving, "MOVE_SECONDS", 0.3)

    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, authz), partial(stage):
            old = dict(envoy.held[ROUTES])
            await stage.live(NEW)
            assert envoy.held[ROUTES] != old
            await authz.until(lambda: people(authz) == {"acme", "bob"})

    run(tmp_path, body)


def test_who_was_late_for_ever_holds_back_nothing_once_it_counts_as_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers any more then: that the time is over is told."""
    monkeypatch.setattr(roll, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(moving, "MOVE_SECONDS", 0.3)

    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (_, authz), partial(stage):
            await stage.publisher.publish(NEW, within=0.01)  # which is too short for this one
            await authz.until(lambda: people(authz) == {"acme", "bob"})

    run(tmp_path, body)


def test_a_consumer_comes_in_though_versions_come_often_and_one_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(moving, "MOVE_SECONDS", 0.3)

    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (_, authz), partial(stage):
            publishing = asyncio.create_task(_often(stage))
            await authz.until(lambda: people(authz) == {"acme", "bob"})
            publishing.cancel()
            await asyncio.wait([publishing])

    run(tmp_path, body)


async def _often(stage: Stage) -> None:
    for number in range(10_000):
        auth = f"{{anyOf: [keys], scopes: [s{number}]}}"
        await stage.publisher.publish(made(auth, "acme", "bob"), within=0.1)


def test_who_refuses_what_all_others_have_stops_no_version(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, _), odd(stage):
            old = dict(envoy.held[ROUTES])
            await stage.live(NEW)
            assert envoy.held[ROUTES] != old
            assert stage.publisher.standing is NEW

    run(tmp_path, body)


def test_who_was_taken_away_stays_so_though_one_refuses_what_all_have(tmp_path: Path) -> None:
    """For Envoys nothing changes then: the refusal is of content that is offered still."""

    async def body(stage: Stage) -> None:
        before, after = made("keys", "acme", "evil"), made("keys", "acme")
        async with standing(stage, before) as (_, authz), odd(stage) as node:
            assert people(authz) == {"acme", "evil"}
            await stage.live(after)
            assert people(authz) == {"acme"}
            await node.asked()
            await authz.asked()
            assert people(authz) == {"acme"}
            assert stage.publisher.standing is after

    run(tmp_path, body)


def test_only_what_all_took_is_counted(tmp_path: Path) -> None:
    """Not what was refused, when the last good has come again after it."""
    took: list[float] = []

    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, authz):
            envoy.refused = {ROUTES: "no"}
            saved = time.monotonic()
            published = await stage.publisher.publish(THIRD, within=WITHIN, saved=saved)
            assert published.outcome.state == "rejected"
            envoy.refused = {}
            await authz.until(lambda: people(authz) == {"acme"})  # it is back, with all
            assert took == []
            published = await stage.publisher.publish(NEW, within=WITHIN, saved=saved)
            assert (published.outcome.state, len(took)) == ("live", 1)

    run(tmp_path, body, took=took.append)


@pytest.mark.parametrize("first", [False, True])
def test_the_last_good_is_said_to_be_back_only_where_there_is_one(
    tmp_path: Path, *, first: bool
) -> None:
    async def body(stage: Stage) -> None:
        with capture_logs() as logs:
            await (_first_refused if first else _late_refused)(stage)
        assert [one["why"] for one in logs if one["event"] == BACK] == ([] if first else [("no",)])

    run(tmp_path, body)


async def _first_refused(stage: Stage) -> None:
    """The first version of all, by the first Envoy; another answers after it."""
    await stage.publisher.publish(OLD, within=0, services=0)
    async with stage.node() as envoy:
        envoy.refused = {ROUTES: "no"}
        while not refusing(stage, "/"):
            await envoy.asked()
        async with stage.node(address="other") as other:
            await other.until(lambda: CLUSTER in other.held)
            await other.asked()
    assert stage.publisher.standing is OLD


async def _late_refused(stage: Stage) -> None:
    async with standing(stage, OLD) as (envoy, _):
        old = dict(envoy.held[ROUTES])
        envoy.go.clear()
        await stage.publisher.publish(NEW, within=0.01)
        envoy.refused = {ROUTES: "no"}
        envoy.go.set()
        await envoy.until(lambda: envoy.held[ROUTES] != old)
        await envoy.until(lambda: envoy.held[ROUTES] == old)
