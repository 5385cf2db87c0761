"""What backends put on routes follows them, also where only what changed is compiled again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.build import Options, build
from controlplane.files import Sources
from controlplane.model.addresses import name_server
from controlplane.selection.selector import Selector
from controlplane.snapshot import CLUSTER, ROUTES
from controlplane.sources import SourceFile

WAYS = (
    *("", "random", "roundRobin", "{maglev: {header: x-a}}", "{ringHash: {header: x-a}}"),
    *("{maglev: {header: x-b}}", "{maglev: {cookie: A}}", "{maglev: {cookie: A, ttl: 1h}}"),
    "{ringHash: {address: true}}",
)
ROUTES_FILE = b"""
hosts: [b.example.com]
defaults: {auth: none}
routes:
  - {path: /one, to: one}
  - {path: /two, to: two}
  - {path: /both, to: {one: 50, two: 50}}
"""


def sources(one: str, two: str) -> tuple[SourceFile, ...]:
    """The backends in a file that changes, the routes in one that does not."""
    ways = [f", balance: {way}" if way else "" for way in (one, two)]
    text = f"""
version: 1
defaults: {{auth: none}}
backends:
  one: {{endpoints: ["10.0.0.1:80"]{ways[0]}}}
  two: {{endpoints: ["10.0.0.2:80"]{ways[1]}}}
routes:
  - {{path: /own, to: one}}
"""
    return (
        SourceFile(name="gateway.yaml", data=text.encode()),
        SourceFile(name="routes.yaml", data=ROUTES_FILE),
    )


ways = st.sampled_from(WAYS)


@given(saves=st.lists(st.tuples(ways, ways), min_size=2, max_size=5))
def test_what_is_compiled_again_is_what_is_compiled_anew(saves: list[tuple[str, str]]) -> None:
    selector = Selector()
    for one, two in saves:
        files = sources(one, two)
        anew = build(files, Options())
        again = selector.choose(Sources(files=files, mistakes=()), (), Options()).build
        if anew.snapshot is not None:  # else a route would hash two things, and is not served
            assert again.snapshot == anew.snapshot


def test_a_changed_hash_changes_the_routes_and_the_cluster_alone_if_only_the_way_does() -> None:
    def of(way: str) -> tuple[str, str]:
        made = build(sources(way, "random"), Options()).snapshot
        assert made is not None
        return made.of(CLUSTER)["one"].version, next(iter(made.of(ROUTES).values())).version

    ring, table, other = map(of, ("{ringHash: {query: a}}", "{maglev: {query: a}}", "random"))
    assert ring[0] != table[0]
    assert ring[1] == table[1]
    assert other[1] != table[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [("10.0.0.53", "10.0.0.53:53"), ("10.0.0.53:54", "10.0.0.53:54"), ("[::1]:54", "[::1]:54")],
)
def test_a_name_server_has_an_address(text: str, said: str) -> None:
    assert str(name_server(text)) == said


@pytest.mark.parametrize(
    "text", ["dns.example.com", "10.0.0.256", "10.0.0.1:0", "224.0.0.1", "::1"]
)
def test_no_other_is_a_name_server(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        name_server(text)
