"""Versions that not everybody takes at once: what stands, what is taken back, who passes."""

import asyncio
from pathlib import Path

from controlplane.snapshot import ROUTES
from protos import EXTAUTHZ, PIPELINE
from tests.controlplane.rollout.keyed import made, people, standing
from tests.controlplane.rollout.published import WITHIN, Stage, run

OLD = made("keys", "acme")
NEW = made("{anyOf: [keys], scopes: [read]}", "acme", "bob")
LESS = made("keys", "bob")
OTHER = made("{anyOf: [keys], scopes: [read]}", "bob")


def test_new_consumers_wait_for_a_late_envoy(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, authz):
            envoy.go.clear()
            published = await stage.publisher.publish(NEW, within=0.05)
            assert (published.outcome.state, published.outcome.waiting) == ("late", ("unix:/",))
            await authz.asked()
            assert people(authz) == {"acme"}
            envoy.go.set()  # it answers after all, and nobody has to publish again
            await authz.until(lambda: people(authz) == {"acme", "bob"})

    run(tmp_path, body)


def test_new_consumers_wait_for_an_envoy_that_is_away(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await stage.publisher.publish(OLD, within=0, services=0)
        async with stage.node(EXTAUTHZ) as authz:
            async with stage.node():
                await stage.live(OLD)
            while stage.publisher.server.nodes:  # noqa: ASYNC110 # the server tells nobody
                await asyncio.sleep(0.01)
            published = await stage.publisher.publish(NEW, within=WITHIN)
            assert published.outcome.state == "late"
            await authz.asked()
            assert people(authz) == {"acme"}
            async with stage.node():
                await authz.until(lambda: people(authz) == {"acme", "bob"})

    run(tmp_path, body)


def test_a_consumer_less_is_gone_before_any_envoy_moves(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, authz):
            envoy.go.clear()
            publishing = asyncio.create_task(stage.publisher.publish(LESS, within=0.05))
            await authz.until(lambda: people(authz) == set())
            await publishing
            envoy.go.set()
            await authz.until(lambda: people(authz) == {"bob"})

    run(tmp_path, body)


def test_one_who_refuses_counts_though_another_is_slow(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, _), stage.node(address="slow") as slow:
            await slow.until(lambda: ROUTES in slow.held)
            before = dict(envoy.held[ROUTES])
            slow.go.clear()
            envoy.refused = {ROUTES: "no"}
            published = await stage.publisher.publish(NEW, within=0.5)
            assert published.outcome.state == "rejected"
            assert [one.message for one in published.outcome.nacks] == ["no"]
            assert stage.publisher.standing is OLD
            envoy.refused = {}
            await envoy.until(lambda: envoy.held[ROUTES] == before)

    run(tmp_path, body)


def test_a_service_that_refuses_counts_though_another_is_slow(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (_, authz), stage.node(EXTAUTHZ, "unix:/b") as slow:
            await slow.until(lambda: PIPELINE in slow.held)
            slow.go.clear()
            authz.refused = {PIPELINE: "no"}
            published = await stage.publisher.publish(NEW, within=WITHIN, services=0.5)
            assert (published.outcome.state, published.rejecting) == ("rejected", EXTAUTHZ)

    run(tmp_path, body)


def test_a_late_refusal_brings_the_last_good_back(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, authz):
            before = dict(envoy.held[ROUTES])
            envoy.go.clear()
            published = await stage.publisher.publish(NEW, within=0.05)
            assert published.outcome.state == "late"
            assert stage.publisher.standing is NEW
            envoy.refused = {ROUTES: "no"}
            envoy.go.set()
            await envoy.until(lambda: envoy.held[ROUTES] == before)
            assert stage.publisher.standing is OLD  # so saving the same again tries again
            await authz.until(lambda: people(authz) == {"acme"})

    run(tmp_path, body)


def test_a_consumer_comes_back_only_after_a_take_back(tmp_path: Path) -> None:
    """Else the removed one would meet the refused version's routes."""

    async def body(stage: Stage) -> None:
        async with standing(stage, OLD) as (envoy, authz), stage.node(address="other") as other:
            await other.until(lambda: ROUTES in other.held)
            old = dict(envoy.held[ROUTES])
            envoy.refused = {ROUTES: "no"}
            publishing = asyncio.create_task(stage.publisher.publish(OTHER, within=WITHIN))
            await authz.until(lambda: people(authz) == set())
            await other.until(lambda: other.held[ROUTES] != old)
            other.go.clear()  # it has the refused version, and is slow to leave it
            assert (await publishing).outcome.state == "rejected"
            envoy.refused = {}
            await envoy.until(lambda: envoy.held[ROUTES] == old)
            assert people(authz) == set()
            other.go.set()
            await authz.until(lambda: people(authz) == {"acme"})

    run(tmp_path, body)
