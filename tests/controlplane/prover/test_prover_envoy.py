"""What the warm Envoy says, one proof after the other, and that nobody else hears of it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)

from controlplane.gate.gate import Gate
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed, Refused, Verdict
from controlplane.prover.answer import Answer, Opposed, Taken
from controlplane.prover.child import Program
from controlplane.prover.copies import Copy, copy
from controlplane.prover.prover import prover
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Snapshot, Subject, snapshot
from foregate.parts import envoy
from tests.controlplane.gate.gate_snapshots import built, damaged, good

PATIENT = Bounds(seconds=60)


@contextlib.asynccontextmanager
async def gate(bounds: Bounds = PATIENT, *, namespace: bool = True) -> AsyncIterator[Gate]:
    async with Gate(envoy=envoy().path, bounds=bounds, namespace=namespace) as made:
        yield made


def proved(*snapshots: Snapshot, namespace: bool = True) -> list[Verdict]:
    async def all_of_them() -> list[Verdict]:
        async with gate(namespace=namespace) as made:
            return [await made.prove(one) for one in snapshots]

    verdicts = asyncio.run(all_of_them())
    for verdict in verdicts:
        assert isinstance(verdict, Passed | Refused)
        assert verdict.how == "prover"
    return verdicts


def kinds(verdicts: list[Verdict]) -> list[type]:
    return [type(verdict) for verdict in verdicts]


def changed(whole: Snapshot, name: str, seconds: int) -> Snapshot:
    """Another connect timeout: negative ones are refused."""

    def timeout(cluster: Cluster) -> None:
        cluster.connect_timeout.seconds = seconds

    return damaged(whole, CLUSTER, timeout, name)


def without(whole: Snapshot, *names: str) -> Snapshot:
    """The snapshot without some clusters, which its routes still name."""
    return snapshot(
        one for group in whole.resources.values() for one in group.values() if one.name not in names
    )


@pytest.mark.parametrize("namespace", [True, False])
def test_a_no_does_not_make_the_next_one_wrong(*, namespace: bool) -> None:
    """A refusal may be half applied: b1 is good and changed, b2 is refused beside it."""
    whole = good(built(4))
    half = changed(changed(whole, "b1", 7), "b2", -1)
    verdicts = proved(whole, half, whole, half, changed(whole, "b1", 7), namespace=namespace)
    assert kinds(verdicts) == [Passed, Refused, Passed, Refused, Passed]


def test_the_same_bad_table_is_refused_each_time() -> None:
    def bad(table: RouteConfiguration) -> None:
        table.virtual_hosts[0].routes[1].match.safe_regex.regex = "([a"

    whole = good(built(4))
    worse = damaged(whole, ROUTES, bad)
    again = [changed(one, "b1", n) for n, one in enumerate((worse, whole, worse, worse), 5)]
    assert kinds(proved(worse, *again)) == [Refused, Refused, Passed, Refused, Refused]


def test_what_is_asked_again_at_once_is_answered_again() -> None:
    """A server does not send again what was refused, and a search may ask twice."""

    def bad(table: RouteConfiguration) -> None:
        table.virtual_hosts[0].routes[1].match.safe_regex.regex = "([a"

    async def asked(*copies: Copy) -> list[Answer]:
        async with prover(Program(envoy=envoy().path, walled=True, memory=4 << 30)) as one:
            async with asyncio.timeout(60):
                return [await one.feed(made) for made in copies]

    whole = good(built(2))
    made = copy(damaged(whole, ROUTES, bad), walled=True)
    worse = copy(changed(damaged(whole, ROUTES, bad), "b0", -1), walled=True)
    answers = asyncio.run(asked(made, made, worse, made, worse, worse, copy(whole, walled=True)))
    assert [type(one) for one in answers] == [*[Opposed] * 6, Taken]
    blamed = [one.blamed[0].type_url for one in answers if isinstance(one, Opposed)]
    assert blamed == [ROUTES, ROUTES, CLUSTER, ROUTES, CLUSTER, CLUSTER]


def test_a_first_no_needs_no_yes_before_it() -> None:
    whole = good(built(4))
    assert kinds(proved(changed(whole, "b2", -1), whole)) == [Refused, Passed]


def test_a_cluster_that_left_is_not_there_for_a_route_that_stayed() -> None:
    """Nodes would have it for a while, and serve 503 afterwards."""
    whole = good(built(4))
    before, after = proved(whole, without(whole, "b2"))
    assert isinstance(before, Passed)
    assert isinstance(after, Refused)
    (cause,) = after.causes
    assert "unknown cluster 'b2'" in cause.words
    assert [one.type_url for one in cause.certain] == [ROUTES]


def test_a_route_and_its_new_cluster_come_together() -> None:
    assert kinds(proved(good(built(2)), good(built(3)), good(built(2)))) == [Passed] * 3


def test_one_bad_route_of_a_large_table_is_found() -> None:
    def bad(table: RouteConfiguration) -> None:
        table.virtual_hosts[0].routes[700].match.safe_regex.regex = "([a"
        table.virtual_hosts[0].routes[70].route.cluster = "gone"

    whole = good(built(800))
    verdicts = proved(whole, damaged(whole, ROUTES, bad), good(built(801)))
    assert kinds(verdicts) == [Passed, Refused, Passed]
    assert isinstance(verdicts[1], Refused)
    table = RouteConfiguration.FromString(next(iter(whole.of(ROUTES).values())).body)
    names = {table.virtual_hosts[0].routes[n].name for n in (70, 700)}
    found = {cause.certain[0].part.rpartition("/")[2] for cause in verdicts[1].causes}
    assert (found, verdicts[1].complete) == (names, True)


def at(whole: Snapshot, address: str, port: int) -> Snapshot:
    def move(listener: Listener) -> None:
        listener.address.socket_address.address = address
        listener.address.socket_address.port_value = port

    return damaged(whole, LISTENER, move)


@pytest.mark.parametrize("namespace", [True, False])
@pytest.mark.parametrize(
    ("address", "port"),
    [("0.0.0.0", 80), ("192.0.2.7", 443), ("::", 443), ("2001:db8::7", 443)],  # noqa: S104 # what a gateway listens on
)
def test_any_address_will_do(address: str, port: int, *, namespace: bool) -> None:
    whole = good(built(2))
    assert kinds(proved(at(whole, address, port), namespace=namespace)) == [Passed]


@pytest.fixture
def ears() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


def calling(whole: Snapshot, where: Callable[[Cluster], None]) -> Snapshot:
    """The snapshot with a cluster that checks a backend, a hundred times a second."""

    def check(cluster: Cluster) -> None:
        cluster.type = Cluster.STATIC
        cluster.ClearField("eds_cluster_config")
        cluster.load_assignment.Clear()
        cluster.load_assignment.cluster_name = cluster.name
        health = cluster.health_checks.add()
        health.timeout.seconds = 1
        health.interval.nanos = health.no_traffic_interval.nanos = 10_000_000
        health.unhealthy_threshold.value = health.healthy_threshold.value = 1
        health.tcp_health_check.SetInParent()
        where(cluster)

    return damaged(whole, CLUSTER, check, "b0")


@pytest.mark.parametrize("namespace", [True, False])
def test_no_backend_hears_of_a_proof(
    ears: socket.socket, tmp_path: Path, *, namespace: bool
) -> None:
    """Neither on this machine's loopback nor on a Unix socket, which no namespace hides."""

    def by_port(cluster: Cluster) -> None:
        where = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint.address
        where.socket_address.address, where.socket_address.port_value = ears.getsockname()

    def by_path(cluster: Cluster) -> None:
        where = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint.address
        where.pipe.path = str(path)

    path = tmp_path / "backend.sock"
    whole = good(built(2))
    with socket.socket(socket.AF_UNIX) as on_path:
        on_path.bind(str(path))
        on_path.listen()
        on_path.settimeout(0)
        snapshots = [calling(whole, by_port), whole, calling(whole, by_path), good(built(3))]
        assert kinds(proved(*snapshots, namespace=namespace)) == [Passed] * 4
        for one in (ears, on_path):
            with pytest.raises(BlockingIOError):
                one.accept()


def test_a_listener_that_never_gets_warm_is_no_refusal() -> None:
    """It waits for settings from a server that does not answer: the next rung has no patience."""

    def waits(listener: Listener) -> None:
        network_filter = listener.filter_chains[0].filters[0]
        manager = hcm.HttpConnectionManager()
        network_filter.typed_config.Unpack(manager)
        first = hcm.HttpFilter(name="late")
        source = first.config_discovery.config_source
        source.initial_fetch_timeout.SetInParent()
        source.resource_api_version = ApiVersion.V3
        source.ads.SetInParent()
        first.config_discovery.type_urls.append(
            "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
        )
        manager.http_filters.insert(0, first)
        network_filter.typed_config.Pack(manager)

    async def waited() -> Verdict:
        async with gate(Bounds(seconds=3, seconds_per_unit=1)) as made:
            assert isinstance(await made.prove(good(built(1))), Passed)
            return await made.prove(damaged(good(built(1)), LISTENER, waits))

    verdict = asyncio.run(waited())
    assert isinstance(verdict, Passed)
    assert verdict.how == "validate"


def test_a_port_may_be_listened_on_once() -> None:
    whole = good(built(1))
    (front,) = whole.of(LISTENER).values()
    listener = Listener.FromString(front.body)
    listener.name = "again"
    more = [one for group in whole.resources.values() for one in group.values()]
    again = type(front)(
        type_url=LISTENER, name="again", body=listener.SerializeToString(), version="again"
    )
    (verdict,) = proved(snapshot([*more, again]))
    assert isinstance(verdict, Refused)
    (cause,) = verdict.causes
    assert set(cause.certain) == {Subject(LISTENER, front.name), Subject(LISTENER, "again")}
