"""Which content is served of files that conflict."""

import asyncio

from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute

from controlplane.build import Options, build
from controlplane.gate.proof import proof
from controlplane.gate.validate import Run, validate
from controlplane.snapshot import CLUSTER, ROUTES
from foregate.parts import envoy
from policies.auth.envoy import FILTER
from tests.controlplane.selection.folders import (
    FOLDER,
    GATEWAY,
    OTHER_USERS,
    SAME_ROUTE,
    USERS,
    choose,
    files,
    rules,
    served,
    states,
)


def test_in_a_conflict_the_unchanged_file_wins() -> None:
    more = SAME_ROUTE + "  - {path: /users/me, to: others}\n"
    chosen = choose({**FOLDER, "a": more}, files(FOLDER))
    assert states(chosen) == {**dict.fromkeys(FOLDER, "current"), "a": "not served"}
    (mistake,) = chosen.mistakes
    assert {p.file for p in (mistake.place, *mistake.also)} == {"a.yaml", "users.yaml"}
    assert "/users/me" not in served(chosen), "who comes later takes no request from who was there"


def test_a_name_defined_twice_is_the_fault_of_who_defines_it_anew() -> None:
    changed = {**FOLDER, "users": USERS + "# a comment\n", "a": OTHER_USERS}
    chosen = choose(changed, files(FOLDER))
    assert states(chosen) == {**dict.fromkeys(FOLDER, "current"), "a": "not served"}


def test_both_changed_both_stay_behind() -> None:
    before = {**FOLDER, "a": SAME_ROUTE.replace("/users/**", "/a")}
    both = {
        **before,
        "a": before["a"] + "  - {path: /new, to: others}\n",
        "users": USERS + "  - {path: /new, to: users}\n",
    }
    chosen = choose(both, files(before))
    assert states(chosen) == {
        "gateway": "current",
        "orders": "current",
        "a": "last good",
        "users": "last good",
    }


def test_on_a_cold_start_neither_is_served_and_their_requests_wait() -> None:
    chosen = choose({**FOLDER, "a": SAME_ROUTE})
    assert states(chosen) == {
        "gateway": "current",
        "orders": "not served",  # its backend is in users.yaml
        "users": "not served",
        "a": "not served",
    }
    assert served(chosen) == {"/**": False, "/users/**": True, "/orders/**": True}
    again = build(chosen.build.sources, Options())
    assert again.snapshot == chosen.build.snapshot, "what is held is in the sources"


def test_held_routes_answer_503_and_ask_nobody() -> None:
    snapshot = choose({**FOLDER, "a": SAME_ROUTE}).build.snapshot
    assert snapshot is not None
    (resource,) = snapshot.of(ROUTES).values()
    assert CLUSTER not in {need.type_url for need in resource.needs}
    table = RouteConfiguration.FromString(resource.body)
    routes = [route for host in table.virtual_hosts for route in host.routes]
    held = [route for route in routes if route.direct_response.status == 503]
    assert {route.name for route in held} == rules(choose(FOLDER)) - rules(choose({"g": GATEWAY}))
    for route in held:
        off = ExtAuthzPerRoute()
        assert route.typed_per_filter_config[FILTER].Unpack(off)
        assert off.disabled
        assert not route.route.rate_limits
    run = asyncio.run(validate(envoy().path, proof(snapshot).whole(), seconds=30, memory=4 << 30))
    assert isinstance(run, Run), run
    assert run.accepted, run.words


def test_what_is_held_stays_held_until_the_conflict_is_gone() -> None:
    cold = choose({**FOLDER, "a": SAME_ROUTE})
    same = choose({**FOLDER, "a": SAME_ROUTE}, cold.build.sources)
    assert states(same) == states(cold)
    assert served(same) == served(cold)
    mended = choose(FOLDER, same.build.sources)
    assert set(states(mended).values()) == {"current"}
    assert not any(served(mended).values())
