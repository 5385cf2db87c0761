"""What Envoy is shown is what it would be sent, and parts are closed in themselves."""

import pytest
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)

from controlplane.gate.part import DanglingResourceError
from controlplane.gate.proof import Proof, proof
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    Snapshot,
    Subject,
    snapshot,
)
from tests.controlplane.gate.gate_snapshots import built, good


def static(shown: bytes) -> Bootstrap.StaticResources:
    return Bootstrap.FromString(shown).static_resources


def tables(shown: bytes) -> list[RouteConfiguration]:
    found = []
    for listener in static(shown).listeners:
        manager = hcm.HttpConnectionManager()
        assert listener.filter_chains[0].filters[0].typed_config.Unpack(manager)
        assert manager.HasField("route_config")
        found.append(manager.route_config)
    return found


def test_clusters_carry_their_endpoints_and_listeners_their_routes() -> None:
    whole = good(built(3))
    shown = proof(whole).whole()
    for cluster in static(shown).clusters:
        sent = Cluster.FromString(whole.of(CLUSTER)[cluster.name].body)
        members = ClusterLoadAssignment.FromString(whole.of(ENDPOINTS)[cluster.name].body)
        assert cluster.load_assignment == members
        cluster.ClearField("load_assignment")
        sent.ClearField("eds_cluster_config")
        sent.type = Cluster.STATIC
        assert cluster == sent
    (table,) = tables(shown)
    sent_table = RouteConfiguration.FromString(next(iter(whole.of(ROUTES).values())).body)
    sent_table.validate_clusters.value = True
    assert table == sent_table


def test_units_are_clusters_then_tables_hosts_routes_then_listeners() -> None:
    whole = proof(good(built(2)))
    kinds = [
        (unit.type_url, unit.part.count("/") + bool(unit.part))
        if unit.type_url == ROUTES
        else (unit.type_url, 0)
        for unit in whole.units
    ]
    assert kinds == [
        *[(CLUSTER, 0)] * 4,
        *[(ROUTES, 0), (ROUTES, 1), (ROUTES, 2), (ROUTES, 2), (ROUTES, 2)],
        (LISTENER, 0),
    ]


def route_units(whole: Proof) -> list[Subject]:
    return [unit for unit in whole.units if "/" in unit.part]


def test_a_part_keeps_every_cluster_by_name_and_nothing_else() -> None:
    whole = proof(good(built(3)))
    chosen = route_units(whole)[1]
    shown = whole.of([chosen])
    names = [c.name for c in static(shown).clusters]
    assert names == ["b0", "b1", "b2", "foregate:extauthz", "foregate:ratelimit"]
    assert not any(c.load_assignment.endpoints for c in static(shown).clusters)
    (table,) = tables(shown)
    (host,) = table.virtual_hosts
    assert [f"{chosen.part.partition('/')[0]}/{route.name}" for route in host.routes] == [
        chosen.part
    ]
    assert table.validate_clusters.value


def test_a_host_without_its_routes_keeps_its_domains() -> None:
    whole = proof(good(built(2)))
    host = next(u for u in whole.units if u.type_url == ROUTES and u.part and "/" not in u.part)
    (table,) = tables(whole.of([host]))
    assert [(list(h.domains), len(h.routes)) for h in table.virtual_hosts] == [(["*"], 0)]


@pytest.mark.parametrize("missing", [ENDPOINTS, ROUTES])
def test_a_snapshot_that_names_what_it_lacks_is_a_mistake_of_ours(missing: str) -> None:
    whole = good(built(1))
    torn: Snapshot = snapshot(
        one
        for type_url, group in whole.resources.items()
        for one in group.values()
        if type_url != missing
    )
    with pytest.raises(DanglingResourceError) as raised:
        proof(torn)
    assert raised.value.type_url == missing
