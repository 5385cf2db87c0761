"""What the services are served for routes that are kept, and who may pass."""

import hashlib
from dataclasses import replace

import pytest

from controlplane.build import Build
from controlplane.isolation.closed import is_closed
from controlplane.isolation.judged import limits, pipelines
from controlplane.snapshot import Subject
from protos import CONSUMERS, EXTAUTHZ, LIMITS, LIMITS_NAME, PIPELINE, RATELIMIT
from protos.limits_pb2 import LimitSet
from tests.controlplane.isolation.gateways import (
    made,
    route_of,
    routes_of,
    stored,
    without,
)


def key(name: str) -> str:
    return f'"sha256:{hashlib.sha256(name.encode()).hexdigest()}"'


TEN = "limits: [{per: ip, rate: 10/s}]"
MANY = "limits: [{per: ip, rate: 99/s}]"

BEFORE = f"""
version: 1
identities:
  idp: {{issuer: "https://idp.example", audience: shop}}
  keys: {{apiKey: {{header: x-key}}}}
consumers:
  bob: {{keys: [{{hash: {key("bob")}, scopes: [read]}}]}}
  old: {{keys: [{{hash: {key("old")}, scopes: [read]}}]}}
backends:
  users: http://10.0.0.1:80
routes:
  - {{path: /a, auth: {{anyOf: [idp, keys], scopes: [read]}}, to: users, {TEN}}}
  - {{path: /b, auth: none, to: users}}
"""
AFTER = f"""
version: 1
identities:
  other: {{issuer: "https://other.example", audience: shop}}
  keys: {{apiKey: {{header: x-key}}}}
consumers:
  bob: {{keys: [{{hash: {key("bob")}, scopes: [read]}}]}}
backends:
  users: http://10.0.0.1:80
routes:
  - {{path: /a, auth: {{anyOf: [other, keys], scopes: [write]}}, to: users, {MANY}}}
  - {{path: /b, auth: none, to: users}}
"""
EVE = f"  eve: {{keys: [{{hash: {key('eve')}, scopes: [read]}}]}}\nbackends:"


def amounts(one: Build) -> dict[str, int]:
    served = one.services[RATELIMIT].of(LIMITS)[LIMITS_NAME]
    return {limit.id: limit.amount for limit in LimitSet.FromString(served.body).limits}


def test_a_kept_route_is_judged_by_what_it_was_judged_by() -> None:
    good, new = made(BEFORE), made(AFTER)
    at = route_of(new, "/a")
    out = without(new, stored(good), at)
    routes = routes_of(out.build, at)
    assert routes == routes_of(good, at)
    served = out.build.services[EXTAUTHZ]
    (hashed,) = pipelines(routes)
    assert served.of(PIPELINE)[hashed] == good.services[EXTAUTHZ].of(PIPELINE)[hashed]
    assert new.services[EXTAUTHZ].of(PIPELINE).items() <= served.of(PIPELINE).items()
    assert served.of(CONSUMERS) == new.services[EXTAUTHZ].of(CONSUMERS)
    assert {s.at for s in out.build.key_sources} == {"https://idp.example", "https://other.example"}
    assert out.build.provenance[Subject(PIPELINE, hashed)] == new.provenance[at]
    assert amounts(out.build) == amounts(good)
    assert out.build.calls == {EXTAUTHZ, RATELIMIT}


def test_a_service_that_only_closed_routes_called_is_not_called() -> None:
    new = made(AFTER)
    out = without(new, None, route_of(new, "/a"))
    assert out.build.calls == frozenset()
    assert out.build.services == new.services


def test_a_kept_route_may_call_what_no_new_one_does() -> None:
    open_now = AFTER.replace("{anyOf: [other, keys], scopes: [write]}", "none")
    open_now = open_now.replace(f", {MANY}", "")
    new = made(open_now)
    assert new.calls == frozenset()
    out = without(new, stored(made(BEFORE)), route_of(new, "/a"))
    assert out.build.calls == {EXTAUTHZ, RATELIMIT}
    assert amounts(out.build) == amounts(made(BEFORE))


SHARED = """
version: 1
defaults: {auth: none, limits: [{per: ip, rate: 10/s}]}
backends:
  users: http://10.0.0.1:80
routes:
  - {path: /a, to: users}
  - {path: /b, to: users}
"""


@pytest.mark.parametrize(("refused", "amount"), [(("/a",), 99), (("/a", "/b"), 10)])
def test_a_limit_that_new_routes_share_has_the_new_amount(
    refused: tuple[str, ...], amount: int
) -> None:
    good = made(SHARED)
    # a limit's amount is not on the route, so something else must have changed
    new = made(SHARED.replace("10/s", "99/s").replace("to: users", "to: users, timeout: 3s"))
    out = without(new, stored(good), *(route_of(new, path) for path in refused))
    (identity,) = limits(routes_of(out.build, route_of(new, "/a")))
    assert amounts(out.build) == {identity: amount}


def test_who_is_a_consumer_only_now_meets_no_route_that_asked_for_less() -> None:
    """Neither version lets eve pass: in the old she is not there, in the new she may not."""
    good, new = made(BEFORE), made(AFTER.replace("backends:", EVE))
    at = route_of(new, "/a")
    assert is_closed(routes_of(without(new, stored(good), at).build, at))


def test_a_new_consumer_closes_no_route_that_asks_for_the_same() -> None:
    text = BEFORE.replace("backends:", EVE).replace("to: users", "to: users, timeout: 3s")
    good, new = made(BEFORE), made(text)
    at = route_of(new, "/a")
    assert routes_of(without(new, stored(good), at).build, at) == routes_of(good, at)


def test_a_new_consumer_closes_no_route_that_is_open_by_now() -> None:
    text = AFTER.replace("backends:", EVE)
    text = text.replace("{anyOf: [other, keys], scopes: [write]}", "none")
    good, new = made(BEFORE), made(text)
    at = route_of(new, "/a")
    assert routes_of(without(new, stored(good), at).build, at) == routes_of(good, at)


def test_a_route_whose_pipeline_nobody_has_does_not_stay() -> None:
    good, new = made(BEFORE), made(AFTER)
    lost = stored(good)
    services = {**lost.services, EXTAUTHZ: new.services[EXTAUTHZ]}
    at = route_of(new, "/a")
    out = without(new, replace(lost, services=services), at)
    assert is_closed(routes_of(out.build, at))
