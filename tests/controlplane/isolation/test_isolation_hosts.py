"""What stands in for a refused host."""

import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.gate.soundness import unsound
from controlplane.isolation.closed import is_closed
from controlplane.isolation.isolate import isolate
from controlplane.snapshot import ROUTES, Subject
from tests.controlplane.isolation.gateways import WHY, changed, held, made, stored, without
from tests.controlplane.isolation.table_reading import table_of

HOSTS = {
    "a": "hosts: [a.b]\nroutes:\n  - {path: /a, auth: none, respond: {status: 204}}\n",
    "c": "hosts: [c.d]\nroutes:\n  - {path: /c, auth: none, respond: {status: 205}}\n",
}


def test_a_refused_host_is_as_it_was_and_closed_where_it_was_none() -> None:
    good = made("version: 1", **HOSTS)
    text = "hosts: [a.b, c.d, e.f]\nroutes:\n  - {path: /x, auth: none, respond: {status: 200}}\n"
    new = made("version: 1", all=text)
    (host,) = table_of(new).virtual_hosts
    out = without(new, stored(good), Subject(ROUTES, "http", host.name))
    old = {h.name: h for h in table_of(good).virtual_hosts}
    found = {h.name: h for h in table_of(out.build).virtual_hosts}
    assert found["a.b"] == old["a.b"]
    assert found["c.d"] == old["c.d"]
    assert list(found["e.f"].domains) == ["e.f"]
    assert is_closed(found["e.f"].routes)
    assert [k.state for k in out.kept] == ["last good", "last good", "closed"]
    assert all(k.places for k in out.kept)


def test_a_refused_host_takes_no_domain_of_another() -> None:
    together = "hosts: [a.b, c.d]\nroutes:\n  - {path: /x, auth: none, respond: {status: 200}}\n"
    good, new = made("version: 1", all=together), made("version: 1", **HOSTS)
    out = without(new, stored(good), Subject(ROUTES, "http", "a.b"))
    domains = [d for h in table_of(out.build).virtual_hosts for d in h.domains]
    assert domains == ["a.b", "c.d"]
    assert len(table_of(out.build).virtual_hosts[0].routes) == 1


def test_a_host_that_never_was_good_is_closed_and_then_nothing_is_left() -> None:
    new = made("version: 1", **HOSTS)
    at = Subject(ROUTES, "http", "a.b")
    out = without(new, None, at)
    (host,) = (h for h in table_of(out.build).virtual_hosts if h.name == "a.b")
    assert [(r.name, r.match.prefix) for r in host.routes] == [("h-closed", "/")]
    assert isolate(out.build, None, {at: WHY}) is None


@pytest.mark.parametrize("domain", ["'*.team.example.com'", "'*'"])
def test_a_wildcard_that_is_closed_is_sound(domain: str) -> None:
    """What is no host meets the 503 that everything meets."""
    text = f"hosts: [{domain}]\nroutes:\n  - {{path: /x, auth: none, respond: {{status: 204}}}}\n"
    new = made("version: 1", c=HOSTS["c"], team=text)
    (name,) = (h.name for h in table_of(new).virtual_hosts if "*" in h.domains[0])
    out = without(new, None, Subject(ROUTES, "http", name))
    assert [k.state for k in out.kept] == ["closed"]
    assert unsound(held(out.build)) == ()


def test_a_wildcard_that_answers_without_refusing_is_not() -> None:
    new = made(
        "version: 1", c="hosts: ['*']\nroutes: [{path: /**, auth: none, respond: {status: 204}}]"
    )

    def first_gone(table: RouteConfiguration) -> None:
        del table.virtual_hosts[0].routes[0]

    (one,) = unsound(held(changed(new, first_gone)))
    assert one.words == "it takes any host, and what is none is not refused first"
