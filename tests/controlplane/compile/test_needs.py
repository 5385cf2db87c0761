"""What resources say that they need is what their messages name, and it is there."""

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import RouteAction
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext
from google.protobuf.message import Message

from controlplane.compile.options import Layout
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SCOPE,
    SECRET,
    Reference,
    resource,
)
from tests.controlplane.compile.golden import CASES_BY_NAME, built
from tests.controlplane.compile.named import UnlistedFieldError, named

LAYOUTS: tuple[Layout, ...] = ("plain", "pages")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CASES_BY_NAME)
def test_needs_are_what_the_messages_name(name: str, layout: Layout) -> None:
    made = built(CASES_BY_NAME[name], layout=layout)
    assert made.snapshot is not None
    for type_url, group in made.snapshot.resources.items():
        for one in group.values():
            assert one.needs == named(one), (type_url, one.name)
            assert all(n.name in made.snapshot.of(n.type_url) for n in one.needs)


def test_the_cases_show_every_kind_of_need_that_compile_makes() -> None:
    every = [(case, layout) for case in CASES_BY_NAME.values() for layout in LAYOUTS]
    snapshots = [built(case, layout=layout).snapshot for case, layout in every]
    groups = [g for one in snapshots if one is not None for g in one.resources.values()]
    seen = {(r.type_url, n.type_url) for g in groups for r in g.values() for n in r.needs}
    by_listener = {(LISTENER, ROUTES), (LISTENER, CLUSTER)}
    by_pages = {(LISTENER, SCOPE), (SCOPE, ROUTES), (ROUTES, SCOPE)}
    assert seen == {(CLUSTER, ENDPOINTS), (ROUTES, CLUSTER), *by_listener, *by_pages}


def found(type_url: str, message: Message) -> set[Reference]:
    return set(named(resource(type_url, "any", message)))


def test_a_cluster_names_its_endpoints_and_secrets() -> None:
    assert found(CLUSTER, Cluster(name="a")) == set()
    one = Cluster(name="a", type=Cluster.EDS)
    assert found(CLUSTER, one) == {Reference(ENDPOINTS, "a")}
    one.eds_cluster_config.service_name = "b"
    tls = UpstreamTlsContext()
    secrets = tls.common_tls_context.tls_certificate_sds_secret_configs
    secrets.add(name="served").sds_config.ads.SetInParent()
    secrets.add(name="in the bootstrap")
    one.transport_socket.typed_config.Pack(tls)
    assert found(CLUSTER, one) == {Reference(ENDPOINTS, "b"), Reference(SECRET, "served")}


def test_a_table_names_targets_weights_and_mirrors() -> None:
    table = RouteConfiguration(name="t")
    routes = table.virtual_hosts.add(name="h").routes
    routes.add().route.cluster = "one"
    routes.add().route.weighted_clusters.clusters.add(name="two")
    routes.add().route.request_mirror_policies.add(cluster="three")
    assert found(ROUTES, table) == {Reference(CLUSTER, n) for n in ("one", "two", "three")}


def test_a_listener_names_its_table_or_its_filters_configs() -> None:
    manager = hcm_pb2.HttpConnectionManager()
    manager.http_filters.add(name="dispatcher").config_discovery.config_source.ads.SetInParent()
    manager.rds.route_config_name = "t"
    out = Listener(name="l")
    out.filter_chains.add().filters.add().typed_config.Pack(manager)
    assert found(LISTENER, out) == {Reference(ROUTES, "t"), Reference(EXTENSION, "dispatcher")}


def test_a_scope_names_its_table() -> None:
    one = ScopedRouteConfiguration(name="s", route_configuration_name="t")
    assert found(SCOPE, one) == {Reference(ROUTES, "t")}


def test_a_field_that_seems_to_name_something_is_not_passed_over() -> None:
    table = RouteConfiguration(name="t")
    table.virtual_hosts.add(name="h").routes.add().route.CopyFrom(RouteAction(cluster_header="x"))
    with pytest.raises(UnlistedFieldError, match="cluster_header"):
        found(ROUTES, table)
