"""What a held file's routes take: every request that might have been theirs."""

import pytest

from controlplane.plan.plan import PlannedRoute
from controlplane.selection.chosen import Chosen
from tests.controlplane.selection.folders import choose, states, told

GATEWAY = """\
version: 1
defaults: {auth: none}
routes:
  - {path: /**, respond: {status: 200}}
"""
OPEN = "defaults: {auth: none}\nroutes:\n  - {path: /x, respond: {status: 201}}\n"
HELD = """\
identities: {keys: {apiKey: {header: x-api-key}}}
backends: {up: "http://up:80"}
bogus: 1
routes:
  - {path: /x, auth: keys, to: up}
"""


def first(chosen: Chosen, host: str, path: str) -> list[bool]:
    """Of each route of a path on a host, as they are tried, whether it is held."""
    plan = chosen.build.plan
    assert plan is not None
    (found,) = (one for one in plan.hosts if host in one.domains)
    rules = [entry.rule for entry in found.entries]
    assert len(rules) == len(set(rules))
    entries = (e for e in found.entries if isinstance(e, PlannedRoute))
    return [entry.held for entry in entries if entry.route.path.text == path]


@pytest.mark.parametrize(("served", "held"), [("a", "z"), ("z", "a")])
def test_a_held_route_is_before_a_served_one_of_its_rank(served: str, held: str) -> None:
    for chosen in (
        choose({"gateway": GATEWAY, served: OPEN, held: HELD}),
        choose(
            {"gateway": GATEWAY, served: OPEN, held: HELD},
            choose({"gateway": GATEWAY, held: HELD}).build.sources,
        ),
    ):
        assert states(chosen) == {"gateway": "current", served: "current", held: "not served"}
        assert first(chosen, "*", "/x") == [True]
        waits = f"{served}.yaml:3:5: this route waits: one of {held}.yaml, which has mistakes"
        assert any(one.startswith(waits) for one in told(chosen))


@pytest.mark.parametrize(
    ("served", "held", "order"),
    [
        ("priority: 9", "priority: 1", [True, False]),
        ("headers: {a: '1'}", "headers: {b: '1'}", [True, False]),
        ("headers: {a: '1'}", "headers: {a: '2'}", [True, False]),
        ("methods: [GET, PUT]", "methods: [GET]", [True, False]),
        ("methods: [PUT]", "priority: 5", [False, True]),  # more specific: never its requests
    ],
)
def test_the_order_of_a_rank(served: str, held: str, order: list[bool]) -> None:
    texts = {
        "gateway": GATEWAY,
        "a": OPEN.replace("respond", f"{served}, respond"),
        "z": HELD.replace("auth", f"{held}, auth"),
    }
    chosen = choose(texts)
    assert first(chosen, "*", "/x") == order
    meet = order[0] and "'2'" not in held
    assert any("waits" in one for one in told(chosen)) is meet


def test_the_readable_hosts_of_a_file_are_held() -> None:
    hosts = "hosts: [b.example.com, API.example.com, '*.x.y:80', {a: b}, b.example.com]\n"
    chosen = choose({"gateway": GATEWAY, "z": hosts + HELD})
    assert first(chosen, "b.example.com", "/x") == [True]
    assert first(chosen, "api.example.com", "/x") == [True]
    assert first(chosen, "*", "/x") == []


@pytest.mark.parametrize("hosts", ["['a b']", "'a b'", "{a: b}", "", "[]"])
def test_without_readable_hosts_every_host_waits(hosts: str) -> None:
    other = "hosts: ['*.example.com', shop.example.com]\n" + OPEN.replace("/x", "/**")
    chosen = choose({"gateway": GATEWAY, "o": other, "z": f"hosts: {hosts}\n" + HELD})
    assert states(chosen)["z"] == "not served"
    for host in ("*", "*.example.com", "shop.example.com"):
        assert first(chosen, host, "/x") == [True], host
    alone = GATEWAY.replace("version: 1", "version: 1\nhosts: [shop.example.com]")
    assert first(choose({"gateway": alone, "z": f"hosts: {hosts}\n" + HELD}), "*", "/x") == [True]
