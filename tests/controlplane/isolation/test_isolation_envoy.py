"""A real Envoy takes what isolation makes, and what was refused is what it refused."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build
from controlplane.gate.gate import Gate
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed, Refused, Verdict
from controlplane.isolation.isolate import isolate
from controlplane.snapshot import CLUSTER, ROUTES, Snapshot
from foregate.parts import envoy
from tests.controlplane.gate.gate_snapshots import built, damaged, good

PATIENT = Bounds(seconds=60)


def prove(snapshot: Snapshot) -> Verdict:
    return asyncio.run(Gate(envoy=envoy().path, bounds=PATIENT).prove(snapshot))


def bad_regex(table: RouteConfiguration) -> None:
    table.virtual_hosts[0].routes[4].match.safe_regex.regex = "([a"


def bad_host(table: RouteConfiguration) -> None:
    table.virtual_hosts[0].request_headers_to_add.add().header.key = "a\nb"


def unknown_cluster(table: RouteConfiguration) -> None:
    table.virtual_hosts[0].routes[2].route.cluster = "gone"


def bad_header(table: RouteConfiguration) -> None:
    table.virtual_hosts[0].routes[3].match.headers.add(name="x").string_match.safe_regex.regex = "("


def bad_time(cluster: Cluster) -> None:
    cluster.connect_timeout.nanos = -1


@pytest.mark.parametrize("had", [True, False])
@pytest.mark.parametrize(
    ("type_url", "change", "name"),
    [
        (ROUTES, bad_regex, None),
        (ROUTES, bad_host, None),
        (ROUTES, unknown_cluster, None),
        (ROUTES, bad_header, None),
        (CLUSTER, bad_time, "b3"),
    ],
)
def test_the_rest_is_accepted(
    type_url: str, change: Callable[..., None], name: str | None, *, had: bool
) -> None:
    whole = built(8)
    made: Build | None = replace(whole, snapshot=damaged(good(whole), type_url, change, name))
    before = built(6) if had else None
    rounds = 0
    while True:
        assert made is not None
        verdict = prove(good(made))
        if isinstance(verdict, Passed):
            break
        assert isinstance(verdict, Refused)
        rounds += 1
        assert rounds < 5
        refused = {part: one.words for one in verdict.causes for part in one.certain}
        found = isolate(made, before, refused)
        made = None if found is None else found.build
    assert rounds >= 1
