"""What of a snapshot the prover gets, and what is taken out of it."""

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.address_pb2 import Address, Pipe, SocketAddress
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.access_loggers.file.v3.file_pb2 import FileAccessLog
from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import JwtAuthentication
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from controlplane.build import Options, build
from controlplane.prover import strip
from controlplane.prover.copies import EMPTY, copy
from controlplane.prover.readers import NAME
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    Reference,
    Snapshot,
    Subject,
    resource,
    snapshot,
)
from tests.controlplane.gate.gate_snapshots import built, good
from tests.controlplane.small_pages import in_pages

PIPE = Address(pipe=Pipe(path="/run/service.sock"))


def test_in_a_namespace_all_is_as_it_is_but_for_what_is_appended() -> None:
    whole = good(built(3))
    made = copy(whole, walled=True)
    assert made.replaced == ()
    for name, one in whole.of(CLUSTER).items():
        assert made.resources[CLUSTER][name].body == one.body
    for name, one in whole.of(ROUTES).items():
        table = RouteConfiguration.FromString(made.resources[ROUTES][name].body)
        expected = RouteConfiguration.FromString(one.body)
        expected.validate_clusters.value = True
        assert table == expected
    for name, one in whole.of(LISTENER).items():
        listener = Listener.FromString(made.resources[LISTENER][name].body)
        assert listener.freebind.value
        listener.ClearField("freebind")
        assert listener == Listener.FromString(one.body)
    assert not any(one.needs for group in made.resources.values() for one in group.values())


def in_one_table(routes: int) -> Snapshot:
    return good(build(built(routes).sources, Options(loopback=True, layout="plain")))


def test_what_did_not_change_is_the_same_object_and_a_large_table_is_cut() -> None:
    first = copy(in_one_table(1_400), walled=True)
    second = copy(in_one_table(1_401), first, walled=True)
    kept = first.resources[CLUSTER]["b7"]
    assert second.resources[CLUSTER]["b7"] is kept
    (table,) = in_one_table(1_400).of(ROUTES)
    parts = [name for name in first.resources[ROUTES] if name != table]
    assert len(parts) > 1
    readers = [name for name in first.resources[LISTENER] if name.startswith(NAME)]
    assert len(readers) == len(parts)
    blamed = set(first.subjects(Reference(ROUTES, parts[0])))
    assert Subject(ROUTES, table) in blamed
    assert 3 < len(blamed) < 200


def test_endpoints_are_another_version_when_their_cluster_is() -> None:
    whole = good(built(1))
    changed = []
    for group in whole.resources.values():
        for one in group.values():
            if (one.type_url, one.name) == (CLUSTER, "b0"):
                cluster = Cluster.FromString(one.body)
                cluster.connect_timeout.seconds = 77
                changed.append(resource(CLUSTER, "b0", cluster))
            else:
                changed.append(one)
    before = copy(whole, walled=True)
    after = copy(snapshot(changed), before, walled=True)
    versions = [one.resources[ENDPOINTS]["b0"].version for one in (before, after)]
    assert versions[0] != versions[1]
    assert list(after.subjects(Reference(ENDPOINTS, "b0"))) == [Subject(CLUSTER, "b0")]


def test_a_table_that_nobody_reads_gets_a_reader() -> None:
    table = RouteConfiguration(name="lonely")
    made = copy(snapshot([resource(ROUTES, "lonely", table)]), EMPTY, walled=True)
    assert list(made.resources[LISTENER]) == [f"{NAME}lonely"]


def sockets() -> Message:
    cluster = Cluster(name="c")
    where = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint
    where.address.CopyFrom(PIPE)
    return cluster


def on_a_socket() -> Message:
    return Listener(name="l", address=PIPE)


def with_logs(*, manager: bool) -> Message:
    made = hcm.HttpConnectionManager()
    log = made.access_log.add(name="file")
    log.typed_config.Pack(FileAccessLog(path="/var/log/access.log"))
    if not manager:
        listener = Listener(name="l")
        listener.filter_chains.add().filters.add().typed_config.Pack(made)
        return listener
    return made


def checked() -> Message:
    cluster = Cluster(name="c", type=Cluster.EDS)
    cluster.health_checks.add().interval.seconds = 1
    return cluster


def named() -> Message:
    cluster = Cluster(name="c", type=Cluster.STRICT_DNS)
    where = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint.address
    where.socket_address.address, where.socket_address.port_value = "orders.internal", 80
    return cluster


def traced() -> Message:
    made = hcm.HttpConnectionManager()
    made.tracing.provider.name = "otel"
    other = made.access_log.add(name="grpc")
    other.typed_config.Pack(Struct())
    return made


def fetching() -> Message:
    made = JwtAuthentication()
    made.providers["issuer"].remote_jwks.async_fetch.fast_listener = True
    manager = hcm.HttpConnectionManager()
    manager.http_filters.add(name="jwt").typed_config.Pack(made)
    return manager


def listening() -> Message:
    listener = Listener(name="l")
    listener.address.socket_address.address = "10.0.0.1"
    listener.address.socket_address.port_value = 443
    return listener


def quick() -> Message:
    listener = Listener(name="l")
    listener.address.socket_address.address = "10.0.0.1"
    listener.address.socket_address.port_value = 443
    listener.address.socket_address.protocol = SocketAddress.UDP
    return listener


@pytest.mark.parametrize(
    ("message", "walled", "opened"),
    [
        (sockets(), {strip.SOCKETS}, {strip.SOCKETS}),
        (on_a_socket(), {strip.PORTS, strip.SOCKETS}, {strip.PORTS, strip.SOCKETS}),
        (with_logs(manager=True), {strip.LOG_FILES}, {strip.LOG_FILES}),
        (with_logs(manager=False), {strip.LOG_FILES}, {strip.LOG_FILES, strip.PORTS}),
        (checked(), set(), {strip.CHECKS}),
        (named(), set(), {strip.NAMES}),
        (traced(), set(), {strip.TRACING, strip.LOGS}),
        (fetching(), set(), {strip.KEYS}),
        (listening(), set(), {strip.PORTS}),
        (quick(), set(), {strip.PORTS}),
    ],
)
def test_what_reaches_others_is_taken_out_and_told(
    message: Message, walled: set[str], opened: set[str]
) -> None:
    for wall, words in ((True, walled), (False, opened)):
        mine = type(message)()
        mine.CopyFrom(message)
        assert strip.strip(mine, walled=wall) == words
        assert (mine == message) is (not words)
        assert strip.strip(mine, walled=wall) <= {strip.PORTS}


def test_a_name_becomes_an_address_that_is_nobodys() -> None:
    cluster = named()
    strip.strip(cluster, walled=False)
    assert isinstance(cluster, Cluster)
    assert cluster.type == Cluster.STATIC
    (group,) = cluster.load_assignment.endpoints
    assert group.lb_endpoints[0].endpoint.address.socket_address.address == strip.NOWHERE


def test_pages_are_whole_and_scopes_read_them_where_a_listener_asks_for_scopes() -> None:
    pages = good(in_pages(built(2_000), Options(loopback=True), 120))
    made = copy(pages, walled=True)
    assert made.resources[ROUTES].keys() == pages.of(ROUTES).keys()
    assert len(pages.of(ROUTES)) > 10
    assert not any(name.startswith(NAME) for name in made.resources[LISTENER])
    first = next(name for name in pages.of(ROUTES) if not name.endswith("/_d"))
    assert {s.name for s in made.subjects(Reference(ROUTES, first))} == {first}
    # a part of it, without the listener, is read all the same
    rest = (r for t, g in pages.resources.items() if t != LISTENER for r in g.values())
    part = copy(snapshot(rest), walled=True)
    assert {n.removeprefix(NAME) for n in part.resources[LISTENER]} == pages.of(ROUTES).keys()
