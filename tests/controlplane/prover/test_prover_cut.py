"""The parts of a table are together the table, and the frame is all but its routes."""

from envoy.config.route.v3.route_components_pb2 import VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from hypothesis import given
from hypothesis import strategies as st

from controlplane.prover.cut import LARGE, PARTS, cut

TEXT = st.text(max_size=8)


@st.composite
def tables(draw: st.DrawFn) -> RouteConfiguration:
    """Tables that are large, with few or many hosts and routes."""
    table = RouteConfiguration(name="http", internal_only_headers=draw(st.lists(TEXT, max_size=2)))
    table.ignore_port_in_host_matching = draw(st.booleans())
    for number, paths in enumerate(draw(st.lists(st.lists(TEXT, max_size=9), max_size=5))):
        host = table.virtual_hosts.add(name=draw(TEXT), domains=[f"{number}.example"])
        host.include_request_attempt_count = draw(st.booleans())
        host.per_request_buffer_limit_bytes.value = draw(st.integers(0, 2**32 - 1))
        for path in paths:
            route = host.routes.add(name=draw(TEXT))
            route.match.prefix = path
            route.route.cluster = draw(TEXT)
    table.metadata.filter_metadata["large"].fields["x"].string_value = "x" * LARGE
    return table


def routes_of(host: VirtualHost) -> list[bytes]:
    return [one.SerializeToString(deterministic=True) for one in host.routes]


@given(tables())
def test_nothing_is_lost_and_nothing_is_new(table: RouteConfiguration) -> None:
    found = cut("http", table.SerializeToString(deterministic=True))
    assert list(found.parts) == [f"http/{n}" for n in range(PARTS)]
    parts = [RouteConfiguration.FromString(one) for one in found.parts.values()]
    assert [one.name for one in parts] == list(found.parts)
    bare = RouteConfiguration()
    bare.CopyFrom(table)
    for host in bare.virtual_hosts:
        host.ClearField("routes")
    assert RouteConfiguration.FromString(found.frame) == bare
    for part in parts:
        part.name = table.name
    for number, host in enumerate(table.virtual_hosts):
        mine = [h for part in parts for h in part.virtual_hosts if h.domains == host.domains]
        assert sorted(r for h in mine for r in routes_of(h)) == sorted(routes_of(host))
        for one in mine:
            one.ClearField("routes")
            assert one == bare.virtual_hosts[number]
    for part in parts:
        part.ClearField("virtual_hosts")
        head = RouteConfiguration()
        head.CopyFrom(bare)
        head.ClearField("virtual_hosts")
        assert part == head


@given(tables(), tables())
def test_what_was_cut_before_changes_nothing(
    before: RouteConfiguration, after: RouteConfiguration
) -> None:
    known = cut("http", before.SerializeToString(deterministic=True)).hosts
    data = after.SerializeToString(deterministic=True)
    assert cut("http", data, known) == cut("http", data)


def test_a_change_of_one_route_changes_one_part() -> None:
    table = RouteConfiguration(name="http")
    host = table.virtual_hosts.add(name="any", domains=["*"])
    for number in range(8_000):
        route = host.routes.add(name=f"r-{number}")
        route.match.prefix = f"/a/path/that/is/long/{number}"
        route.route.cluster = "c"
    first = cut("http", table.SerializeToString(deterministic=True))
    host.routes[700].route.timeout.seconds = 9
    second = cut("http", table.SerializeToString(deterministic=True))
    assert first.frame == second.frame
    assert sum(first.parts[n] != second.parts[n] for n in first.parts) == 1


def test_a_small_table_stays_whole() -> None:
    data = RouteConfiguration(name="http").SerializeToString()
    assert (cut("http", data).frame, cut("http", data).parts) == (data, {})
