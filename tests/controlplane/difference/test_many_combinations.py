"""Routes that all cross each other: as many requests as are allowed, and what was not tried."""

import pytest

from controlplane.build import Build
from controlplane.difference.handovers import compared
from controlplane.difference.hosts import Region, regions
from controlplane.difference.requests import Allowance
from tests.controlplane.difference.differing import built, found

HEAD = """\
version: 1
identities: {idp: {issuer: "https://idp.example.com", audience: shop}}
backends: {users: "http://users:8080"}
"""


def sides(routes: str) -> tuple[str, str]:
    """The same routes, guarded and open."""
    guarded, opened = (f"{HEAD}defaults: {{auth: {auth}}}\n" for auth in ("idp", "none"))
    return f"{guarded}routes:\n{routes}", f"{opened}routes:\n{routes}"


def crossing(number: int) -> str:
    return "".join(
        f"  - {{path: '/{{v}}/l{n}', to: users}}\n  - {{path: '/m{n}/{{v}}', to: users}}\n"
        for n in range(number)
    )


def region(before: Build, after: Build) -> Region:
    assert before.plan is not None
    assert after.plan is not None
    (one,) = regions(before.plan, after.plan)
    return one


@pytest.mark.parametrize(("allowed", "stops"), [(0, True), (10, True), (10_000, False)])
def test_what_is_not_tried_is_told(allowed: int, *, stops: bool) -> None:
    before, after = sides(crossing(5))
    one = compared(region(built(before), built(after)), Allowance(left=allowed))
    assert (one.stopped is not None) == stops
    assert bool(one.passed) == (allowed > 0)


def test_too_many_combinations_count_as_weaker() -> None:
    before, after = sides(crossing(200))
    ways = [one for one in found(before, after).weakenings if one.key == "routes"]
    assert [(one.comparable, one.handovers) for one in ways] == [(False, ())]
    assert str(ways[0].places[0]).startswith("old/gateway.yaml:")


def test_routes_with_many_names_of_headers_are_all_compared() -> None:
    routes = "".join(
        f"  - {{path: /x, headers: {{h{n}: '1'}}, priority: {n}, to: users}}\n" for n in range(60)
    )
    one = found(*sides(routes))
    assert [way.key for way in one.weakenings] == ["auth"]
    assert len(one.weakenings[0].handovers) >= 60


def test_one_long_path_costs_the_others_nothing() -> None:
    routes = "".join(f"  - {{path: '/s{n}/**', to: users}}\n" for n in range(20))
    long = f"{routes}  - {{path: /**, to: users}}\n  - {{path: '{'/d' * 60}', to: users}}\n"
    before, after = sides(long)
    spent = Allowance(left=10_000)
    assert compared(region(built(before), built(after)), spent).stopped is None
    assert spent.left > 9_000
