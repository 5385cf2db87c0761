"""One route that Envoy refuses, in pages: it is found and told once, and the rest goes on."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build, Options
from controlplane.gate.gate import Gate
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed
from controlplane.isolation.closed import is_closed
from controlplane.snapshot import ROUTES, Resource, resource, snapshot
from foregate.applying.proving import Proved, prove
from foregate.parts import envoy
from language.places import Place
from tests.controlplane.isolation.gateways import held, made, stored
from tests.controlplane.small_pages import in_pages

OPTIONS = Options(loopback=True, trust_store="/authorities.crt")
FILE = """
version: 1
defaults: {auth: none}
backends: {a: "http://127.0.0.1:80"}
routes:
  - {path: /users/**, to: a}
  - {path: /users/one, to: a}
  - {path: /orders/**, to: a}
  - {path: /orders/one, to: a}
  - {path: "/{any}/everywhere", to: a}
  - {path: /items, to: a}
"""
LINE = 10


def spoilt(one: Build) -> Build:
    """A mistake of ours in every copy of the route of a line."""
    bad = {s for s, places in one.provenance.items() if s.type_url == ROUTES and "/r-" in s.part}
    bad = {s for s in bad if one.provenance[s][0].line == LINE}
    assert len({s.name for s in bad}) > 1

    def made_wrong(of: Resource) -> Resource:
        table = RouteConfiguration.FromString(of.body)
        for host in table.virtual_hosts:
            for route in host.routes:
                if any((s.name, s.part) == (of.name, f"{host.name}/{route.name}") for s in bad):
                    route.route.timeout.nanos = -5
        return resource(ROUTES, of.name, table, needs=of.needs)

    every = (r for group in held(one).resources.values() for r in group.values())
    return replace(
        one, snapshot=snapshot(made_wrong(r) if r.type_url == ROUTES else r for r in every)
    )


def routes(one: Build) -> dict[str, list[bool]]:
    """Whether each rule is closed, in each place where it stands."""
    found: dict[str, list[bool]] = {}
    for table in held(one).of(ROUTES).values():
        for host in RouteConfiguration.FromString(table.body).virtual_hosts:
            for route in host.routes:
                found.setdefault(route.name, []).append(is_closed([route]))
    return found


@pytest.mark.parametrize("warm", [True, False], ids=["prover", "validate"])
@pytest.mark.parametrize("good", ["none", "plain", "pages"])
def test_one_bad_route(tmp_path: Path, good: str, *, warm: bool) -> None:
    plain = made(FILE)
    whole = in_pages(plain, OPTIONS, 1)
    before = {"none": None, "plain": stored(plain), "pages": stored(in_pages(plain, OPTIONS, 2))}

    async def body() -> Proved:
        gate = Gate(envoy=envoy().path, folder=tmp_path, bounds=Bounds(seconds=60))
        if warm:
            async with gate:
                done = await prove(gate, spoilt(whole), before[good], Place("gateway.yaml", 1, 1))
        else:
            done = await prove(gate, spoilt(whole), before[good], Place("gateway.yaml", 1, 1))
        assert isinstance(done, Proved), done
        return done

    done = asyncio.run(body())
    assert isinstance(done.verdict, Passed)
    assert done.verdict.how == ("prover" if warm else "validate")
    (kept,) = done.kept
    assert (kept.subject.name, kept.state) == ("http", "closed" if good == "none" else "last good")
    assert [m.place.line for m in done.mistakes] == [LINE]
    rule = kept.subject.part.partition("/")[2]
    now = routes(done.build)
    assert set(now.pop(rule)) == {good == "none"}
    assert not any(closed for places in now.values() for closed in places)
    assert now.keys() == routes(whole).keys() - {rule}
    if good != "none":  # as it was, it is what it is
        assert done.build.snapshot == whole.snapshot
