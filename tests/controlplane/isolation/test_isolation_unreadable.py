"""What is wrong beside the message (what it needs, its version), and what nobody can read."""

from dataclasses import replace

import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build
from controlplane.isolation.isolate import isolate
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Subject, snapshot
from tests.controlplane.isolation.gateways import (
    BEFORE,
    WHY,
    changed,
    held,
    listener_of,
    made,
    route_of,
    stored,
    without,
)


def described(one: Build, type_url: str, name: str, **by: object) -> Build:
    """A build in which a resource is sent otherwise, by the same message."""
    every = (r for group in held(one).resources.values() for r in group.values())
    found = [
        replace(r, **by) if (r.type_url, r.name) == (type_url, name) else r  # type: ignore[arg-type] # its fields
        for r in every
    ]
    return replace(one, snapshot=snapshot(found))


@pytest.mark.parametrize("by", [{"needs": frozenset()}, {"version": ""}], ids=["needs", "version"])
def test_a_cluster_that_is_sent_wrong_stays_as_it_was_though_its_message_is_the_same(
    by: dict[str, object],
) -> None:
    good = made(BEFORE)
    new = described(good, CLUSTER, "users", **by)
    out = without(new, stored(good), Subject(CLUSTER, "users"))
    assert held(out.build) == held(good)
    assert {k.state for k in out.kept} == {"last good"}


def test_a_route_of_a_table_that_does_not_say_what_it_needs_stays_as_it_was() -> None:
    good = made(BEFORE)
    at = route_of(good, "/c")
    out = without(described(good, ROUTES, "http", needs=frozenset()), stored(good), at)
    assert held(out.build) == held(good)
    assert {k.state for k in out.kept} == {"last good"}
    again = without(out.build, stored(good), at)
    assert {k.state for k in again.kept} == {"closed"}


def test_a_listener_that_does_not_say_what_it_needs_stays_as_it_was() -> None:
    good = made(BEFORE)
    name = listener_of(good).name
    new = described(good, LISTENER, name, needs=frozenset())
    out = without(new, stored(good), Subject(LISTENER, name))
    assert held(out.build) == held(good)


def cut(one: Build, type_url: str, name: str) -> Build:
    """A build in which nobody can read a resource."""
    body = held(one).of(type_url)[name].body
    return described(one, type_url, name, body=body[:-3] + b"\xff")


@pytest.mark.parametrize("kind", [CLUSTER, LISTENER], ids=["in-pieces", "of-another-type"])
def test_a_cluster_that_nobody_can_read_stays_as_it_was(kind: str) -> None:
    good = made(BEFORE)
    new = cut(good, CLUSTER, "users")
    if kind == LISTENER:
        new = described(good, CLUSTER, "users", body=listener_of(good).body)
    out = without(new, stored(good), Subject(CLUSTER, "users"))
    assert held(out.build) == held(good)


def test_a_table_that_nobody_can_read_cannot_be_taken_out() -> None:
    good = made(BEFORE)
    assert isolate(cut(good, ROUTES, "http"), stored(good), {Subject(ROUTES, "http"): WHY}) is None


def test_a_route_whose_auth_nobody_can_read_stays_as_it_was() -> None:
    good = made(BEFORE)
    at = route_of(good, "/c")

    def change(table: RouteConfiguration) -> None:
        for route in (r for h in table.virtual_hosts for r in h.routes):
            if route.name == at.part.partition("/")[2]:
                route.typed_per_filter_config["foregate.auth"].value = b"\xff\xff"

    out = without(changed(good, change), stored(good), at)
    assert held(out.build) == held(good)
