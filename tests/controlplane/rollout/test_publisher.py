"""One version on its way to an Envoy and both services: raw streams on the real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from controlplane.build import Build, Options, build
from controlplane.snapshot import ENDPOINTS, ROUTES
from controlplane.sources import SourceFile
from language.mistakes import errors
from protos import CONSUMERS, EXTAUTHZ, FLEET, KEYS, LIMITS, PIPELINE, RATELIMIT
from protos.limits_pb2 import Fleet, LimitSet
from tests.controlplane.rollout.published import WITHIN, Node, Stage, run

JWKS = (
    '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "%s", '
    '"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIuaPcHURo"}]}'
)
HASH = "5e" * 32


def made(*routes: str, issuer: str = "one", keys: str = "") -> Build:
    text = f"""
version: 1
backends: {{echo: "http://127.0.0.1:9"}}
identities:
  idp: {{issuer: "https://{issuer}.example", audience: shop, jwks: {keys or JWKS % issuer}}}
  keys: {{apiKey: {{header: x-api-key}}}}
consumers:
  acme: {{key: "sha256:{HASH}"}}
routes:
"""
    lines = [f"  - {{{route}, to: echo}}\n" for route in routes]
    whole = build(
        (SourceFile(name="gateway.yaml", data="".join([text, *lines]).encode()),), Options()
    )
    assert not errors(whole.mistakes), whole.mistakes
    return whole


FIRST = made("path: /a, auth: keys")
SECOND = made("path: /a, auth: {anyOf: [keys], scopes: [read]}")
OPEN = made("path: /a, auth: none")


def pipelines(of: Build) -> set[str]:
    return set(of.services[EXTAUTHZ].of(PIPELINE))


async def begun(stage: Stage) -> None:
    """Offer the first version to nobody: who connects from now on gets it."""
    published = await stage.publisher.publish(FIRST, within=0, services=0)
    assert (published.outcome.state, published.late) == ("late", (EXTAUTHZ,))


@asynccontextmanager
async def two(stage: Stage) -> AsyncIterator[tuple[Node, Node]]:
    """An Envoy and an extauthz that have the first version."""
    await begun(stage)
    async with stage.node() as envoy, stage.node(EXTAUTHZ) as authz:
        await stage.live(FIRST)
        await envoy.until(lambda: envoy.members(EXTAUTHZ) == ["/extauthz"])
        await envoy.asked()
        yield envoy, authz


def test_the_services_have_it_before_the_envoy_is_offered_the_routes(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (envoy, authz):
            authz.go.clear()
            before = list(envoy.pushes)
            publishing = asyncio.create_task(stage.live(SECOND))
            await authz.until(lambda: pipelines(SECOND) <= authz.names(PIPELINE))
            await envoy.asked()
            assert envoy.pushes == [*before, ENDPOINTS]
            assert not publishing.done()
            routes = dict(envoy.held[ROUTES])
            authz.go.set()
            await publishing
            assert envoy.held[ROUTES] != routes

    run(tmp_path, body)


def test_a_service_that_refuses_stops_it_and_gets_the_last_good_again(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (envoy, authz):
            before, routes = list(envoy.pushes), dict(envoy.held[ROUTES])
            authz.refused[PIPELINE] = "a scope that I cannot judge"
            count = len(authz.pushes)
            publishing = stage.publisher.publish(SECOND, within=WITHIN, services=WITHIN)
            published = await publishing
            assert published.rejecting == EXTAUTHZ
            assert published.outcome.state == "rejected"
            (nack,) = published.outcome.nacks
            assert (nack.type_url, nack.message) == (PIPELINE, "a scope that I cannot judge")
            del authz.refused[PIPELINE]
            await authz.until(lambda: len(authz.pushes) >= count + 2)
            assert authz.names(PIPELINE) == pipelines(FIRST)
            await envoy.asked()
            assert (envoy.held[ROUTES], envoy.pushes) == (routes, [*before, ENDPOINTS])
            assert envoy.members(EXTAUTHZ) == ["/extauthz"]
            await stage.live(SECOND)
            assert authz.names(PIPELINE) == pipelines(SECOND)
            assert envoy.held[ROUTES] != routes

    run(tmp_path, body)


def test_an_envoy_that_refuses_takes_everybody_back(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (envoy, authz):
            routes = dict(envoy.held[ROUTES])
            envoy.refused[ROUTES] = "no such cluster"
            published = await stage.publisher.publish(SECOND, within=WITHIN, services=WITHIN)
            assert (published.outcome.state, published.rejecting) == ("rejected", "")
            assert [n.message for n in published.outcome.nacks] == ["no such cluster"]
            await envoy.until(lambda: envoy.held[ROUTES] == routes)
            await authz.until(lambda: authz.names(PIPELINE) == pipelines(FIRST))

    run(tmp_path, body)


def test_a_service_that_does_not_answer_holds_nobody_longer_than_its_time(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (envoy, authz):
            authz.go.clear()
            await _late(stage, envoy, "extauthz unix:/extauthz", services=0.05)
            authz.go.set()  # it comes later, and is up to date without another publish
            await authz.until(lambda: authz.names(PIPELINE) == pipelines(SECOND))

    run(tmp_path, body)


def test_a_service_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await begun(stage)
        async with stage.node() as envoy:
            await envoy.until(lambda: ROUTES in envoy.held)
            await _late(stage, envoy, EXTAUTHZ, services=3600)

    run(tmp_path, body)


async def _late(stage: Stage, envoy: Node, who: str, *, services: float) -> None:
    routes = dict(envoy.held[ROUTES])
    with capture_logs() as logs:
        published = await stage.publisher.publish(SECOND, within=WITHIN, services=services)
    assert (published.outcome.state, published.late) == ("live", (who,))
    assert envoy.held[ROUTES] != routes
    (said,) = [one for one in logs if one["event"] == "service is late"]
    assert (said["log_level"], said["service"]) == ("warning", EXTAUTHZ)


def test_nobody_waits_for_a_service_that_no_route_calls(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await begun(stage)
        async with stage.node():
            await stage.live(OPEN)

    run(tmp_path, body)


def test_instances_are_endpoints_and_the_last_ones_stay(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage) as (envoy, _):
            async with stage.node(EXTAUTHZ, "unix:/more"):
                await envoy.until(lambda: envoy.members(EXTAUTHZ) == ["/extauthz", "/more"])
            await envoy.until(lambda: envoy.members(EXTAUTHZ) == ["/extauthz"])
            async with stage.node(RATELIMIT) as limits, stage.node(RATELIMIT, "unix:/b") as other:
                await envoy.until(lambda: envoy.members(RATELIMIT) == ["/b", "/ratelimit"])
                await limits.until(lambda: _size(limits) == 2)
                await other.until(lambda: _size(other) == 2)
            await envoy.until(lambda: len(envoy.members(RATELIMIT)) == 1)
            (last,) = envoy.members(RATELIMIT)
            while stage.publisher.server.instances(RATELIMIT):
                await envoy.asked()
            await envoy.asked()
            assert envoy.members(RATELIMIT) == [last]
            async with stage.node(address="later") as later:
                await later.until(lambda: ENDPOINTS in later.held)
                assert later.members(RATELIMIT) == [last]
                assert later.members(EXTAUTHZ) == ["/extauthz"]

    run(tmp_path, body)


def _size(ratelimit: Node) -> int:
    bodies = ratelimit.held.get(FLEET, {}).values()
    return sum(Fleet.FromString(body).instances for body in bodies)


@pytest.mark.parametrize("late", [False, True])
def test_keys_of_both_versions_are_served_until_the_envoy_has_moved(
    tmp_path: Path, *, late: bool
) -> None:
    old, new = made("path: /a, auth: idp"), made("path: /a, auth: idp", issuer="two")
    before, after = ({source.id for source in one.key_sources} for one in (old, new))

    async def body(stage: Stage) -> None:
        async with two(stage) as (envoy, authz):
            await stage.live(old)
            await authz.until(lambda: authz.names(KEYS) == before)
            envoy.go.clear()
            routes = dict(envoy.held[ROUTES])
            within = 0.05 if late else WITHIN
            publishing = asyncio.create_task(stage.publisher.publish(new, within=within))
            await envoy.until(lambda: envoy.held[ROUTES] != routes)
            assert authz.names(KEYS) == before | after
            if late:
                outcome = (await publishing).outcome
                assert (outcome.state, outcome.waiting) == ("late", ("unix:/",))
                await authz.asked()
                assert authz.names(KEYS) == before | after
            envoy.go.set()
            assert late or (await publishing).outcome.state == "live"
            await stage.live(new)
            await authz.until(lambda: authz.names(KEYS) == after)

    run(tmp_path, body)


def test_a_source_without_keys_is_told_and_holds_nobody(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        async with two(stage):
            one = made("path: /a, auth: idp", keys="{file: not-there.json}")
            published = await stage.publisher.publish(one, within=WITHIN)
            assert published.outcome.state == "live"
            assert set(published.keyless) == {source.id for source in one.key_sources}

    run(tmp_path, body)


def test_services_can_ask_before_envoys_can(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        publisher = stage.publisher
        assert not publisher.answering.is_set()
        publishing = asyncio.create_task(stage.live(FIRST))
        await publisher.answering.wait()
        assert not publisher.offered.is_set()
        async with stage.node(EXTAUTHZ) as authz:
            await publisher.offered.wait()
            assert authz.held.keys() == set(authz.client.types)
            assert set(authz.held[CONSUMERS]) == {"consumers"}
            async with stage.node():
                await publishing

    run(tmp_path, body)


def test_a_limit_without_a_route_is_served_on(tmp_path: Path) -> None:
    async def body(stage: Stage) -> None:
        await begun(stage)
        async with stage.node(), stage.node(RATELIMIT) as limits:
            amounts = []
            for limit in (
                ", limits: [{per: ip, rate: 5/h}]",
                "",
                ", limits: [{per: ip, rate: 7/h}]",
            ):
                await stage.live(made(f"path: /a, auth: none{limit}"))
                await limits.until(lambda: stage.publisher.server.instances(RATELIMIT))
                bodies = limits.held[LIMITS].values()
                amounts += [[one.amount for one in LimitSet.FromString(b).limits] for b in bodies]
            assert amounts == [[5], [5], [7]]

    run(tmp_path, body)
