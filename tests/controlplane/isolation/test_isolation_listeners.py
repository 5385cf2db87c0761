"""What stands in for a refused listener, and what relies on its filters."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthz
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from controlplane.build import Build
from controlplane.isolation.closed import is_closed
from controlplane.isolation.isolate import isolate
from controlplane.snapshot import (
    LISTENER,
    Resource,
    Subject,
    resource,
    snapshot,
)
from tests.controlplane.isolation.gateways import (
    AFTER,
    BEFORE,
    WHY,
    held,
    listener_of,
    made,
    route_of,
    routes_of,
    stored,
    without,
)


def with_listener(one: Build, *listeners: Resource) -> Build:
    rest = [r for t, g in held(one).resources.items() if t != LISTENER for r in g.values()]
    return replace(one, snapshot=snapshot([*rest, *listeners]))


def damaged(one: Resource, name: str = "", keep: int = 99) -> Resource:
    """A listener that has another name, and only the first of its filters and the last."""
    message = Listener.FromString(one.body)
    message.name = name or message.name
    network = message.filter_chains[0].filters[0]
    manager = hcm_pb2.HttpConnectionManager()
    network.typed_config.Unpack(manager)
    manager.stat_prefix = "other"
    del manager.http_filters[keep:-1]
    network.typed_config.Pack(manager, deterministic=True)
    return resource(LISTENER, message.name, message, needs=one.needs)


def test_a_refused_listener_stays_whole_and_the_rest_goes_on() -> None:
    good, whole = made(BEFORE), made(AFTER)
    new = with_listener(whole, damaged(listener_of(whole)))
    name = listener_of(good).name
    out = without(new, stored(good), Subject(LISTENER, name))
    assert held(out.build) == held(whole)
    assert isolate(new, None, {Subject(LISTENER, name): WHY}) is None
    assert isolate(new, stored(new), {Subject(LISTENER, name): WHY}) is None


def test_of_two_listeners_the_one_that_never_was_good_is_left_out() -> None:
    whole = made(AFTER)
    new = with_listener(whole, listener_of(whole), damaged(listener_of(whole), "second"))
    out = without(new, stored(made(BEFORE)), Subject(LISTENER, "second"))
    assert held(out.build) == held(whole)
    assert [k.state for k in out.kept] == ["closed"]


def test_a_listener_without_a_filter_that_routes_rely_on_does_not_stay() -> None:
    """Envoy takes a route's settings of a filter that is not there: nobody would enforce them."""
    whole = made(AFTER)
    good = with_listener(whole, damaged(listener_of(whole), keep=0))
    at = Subject(LISTENER, listener_of(whole).name)
    assert isolate(whole, stored(good), {at: WHY}) is None


def test_a_route_whose_filter_is_gone_does_not_stay() -> None:
    good, whole = made(BEFORE), made(AFTER)
    new = with_listener(whole, damaged(listener_of(whole), keep=0))
    at = route_of(new, "/a")
    assert is_closed(routes_of(without(new, stored(good), at).build, at))


GUARDED = """
version: 1
listen: {trustedHops: HOPS}
backends: {u: http://10.0.0.1:80}
routes:
  - {path: /a, auth: none, ip: {allow: [10.0.0.0/8]}, to: u}
"""


@pytest.mark.parametrize(("before", "after"), [("1", "0"), ("0", "1")])
def test_a_listener_that_trusts_others_than_the_new_one_does_not_stay(
    before: str, after: str
) -> None:
    """An address list of now would be asked about an address that a client may choose."""
    good, new = (made(GUARDED.replace("HOPS", hops)) for hops in (before, after))
    at = Subject(LISTENER, listener_of(new).name)
    assert isolate(new, stored(good), {at: WHY}) is None


def other(one: Resource, change: Callable[[hcm_pb2.HttpConnectionManager], None]) -> Resource:
    """A listener of which something else is different."""
    message = Listener.FromString(one.body)
    network = message.filter_chains[0].filters[0]
    manager = hcm_pb2.HttpConnectionManager.FromString(network.typed_config.value)
    change(manager)
    network.typed_config.Pack(manager, deterministic=True)
    return resource(LISTENER, message.name, message, needs=one.needs)


def _remote(manager: hcm_pb2.HttpConnectionManager) -> None:
    manager.use_remote_address.value = False


def _paths(manager: hcm_pb2.HttpConnectionManager) -> None:
    manager.merge_slashes = False


def _headers(manager: hcm_pb2.HttpConnectionManager) -> None:
    del manager.early_header_mutation_extensions[:]


def _open(manager: hcm_pb2.HttpConnectionManager) -> None:
    (one,) = (f for f in manager.http_filters if f.typed_config.Is(ExtAuthz.DESCRIPTOR))
    settings = ExtAuthz.FromString(one.typed_config.value)
    settings.failure_mode_allow = True
    one.typed_config.Pack(settings, deterministic=True)


@pytest.mark.parametrize("change", [_remote, _paths, _headers, _open])
def test_a_listener_that_lets_others_pass_does_not_stay(
    change: Callable[[hcm_pb2.HttpConnectionManager], None],
) -> None:
    whole = made(AFTER)
    good = with_listener(whole, other(listener_of(whole), change))
    at = Subject(LISTENER, listener_of(whole).name)
    assert isolate(whole, stored(good), {at: WHY}) is None
