"""Which content of each file is served: conflicts, removals, and what fails alone."""

import asyncio

from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute

from controlplane.build import Options, build
from controlplane.files import Sources
from controlplane.gate.proof import proof
from controlplane.gate.validate import Run, validate
from controlplane.plan.plan import PlannedRoute
from controlplane.selection.chosen import Chosen
from controlplane.selection.selector import Selector
from controlplane.snapshot import CLUSTER, ROUTES
from controlplane.sources import SourceFile
from foregate.parts import envoy
from language.mistakes import Mistake
from language.places import Place
from language.secrets import Secrets
from policies.auth.envoy import FILTER

GATEWAY = """\
version: 1
defaults: {auth: none}
routes:
  - {path: /**, respond: {status: 200}}
"""
USERS = """\
defaults: {auth: none}
backends: {users: "http://users:80"}
routes:
  - {path: /users/**, to: users}
"""
ORDERS = """\
defaults: {auth: none}
routes:
  - {path: /orders/**, to: users}
"""
OTHER_USERS = USERS.replace("/users/**", "/other/**")
SAME_ROUTE = USERS.replace("users:", "others:").replace("to: users", "to: others")
BROKEN = "routes: [\n"

Texts = dict[str, str]
FOLDER: Texts = {"gateway": GATEWAY, "users": USERS, "orders": ORDERS}


def files(texts: Texts, folder: str = "") -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(name=f"{folder}{name}.yaml", data=text.encode()) for name, text in texts.items()
    )


def choose(texts: Texts, good: tuple[SourceFile, ...] = ()) -> Chosen:
    return Selector().choose(Sources(files=files(texts), mistakes=()), good, Options())


def states(chosen: Chosen) -> dict[str, str]:
    return {view.home.removesuffix(".yaml"): view.state for view in chosen.files}


def told(chosen: Chosen) -> list[str]:
    return [f"{m.place}: {m.message}" for m in chosen.mistakes]


def served(chosen: Chosen) -> dict[str, bool]:
    """The paths that the plan holds, and whether each is held."""
    plan = chosen.build.plan
    entries = [e for h in plan.hosts for e in h.entries] if plan else []
    return {e.route.path.text: e.held for e in entries if isinstance(e, PlannedRoute)}


def test_files_without_mistakes_are_what_build_makes_of_them() -> None:
    chosen = choose(FOLDER)
    assert set(states(chosen).values()) == {"current"}
    whole = build(files(FOLDER), Options())
    assert chosen.build.snapshot == whole.snapshot
    assert chosen.build.services == whole.services
    assert chosen.mistakes == whole.mistakes == ()


def test_a_mistake_keeps_its_own_file_at_its_last_good() -> None:
    new = {**FOLDER, "orders": BROKEN, "users": USERS + "  - {path: /more, to: users}\n"}
    chosen = choose(new, files(FOLDER))
    assert states(chosen) == {"gateway": "current", "users": "current", "orders": "last good"}
    assert served(chosen) == dict.fromkeys(("/users/**", "/more", "/orders/**", "/**"), False)
    (view,) = (v for v in chosen.files if v.state != "current")
    assert view.mistakes == chosen.mistakes != ()


def test_an_empty_file_is_a_mistake_and_no_removal() -> None:
    for nothing in ("", "# all commented out\n", "---\n"):
        chosen = choose({**FOLDER, "orders": nothing}, files(FOLDER))
        assert states(chosen)["orders"] == "last good"
        assert "/orders/**" in served(chosen)


def test_a_file_that_never_was_good_is_not_served() -> None:
    chosen = choose({**FOLDER, "new": BROKEN}, files(FOLDER))
    assert states(chosen)["new"] == "not served"
    assert len(served(chosen)) == 3


def test_a_broken_gateway_file_stays_at_its_last_good() -> None:
    chosen = choose({**FOLDER, "gateway": "version: 2\n"}, files(FOLDER))
    assert states(chosen)["gateway"] == "last good"
    assert len(served(chosen)) == 3


def test_without_a_good_gateway_file_nothing_is_served() -> None:
    chosen = choose({**FOLDER, "gateway": "version: 2\n"})
    assert chosen.build.snapshot is None
    assert set(states(chosen).values()) == {"not served"}


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


def rules(chosen: Chosen) -> set[str]:
    plan = chosen.build.plan
    return {entry.rule for host in plan.hosts for entry in host.entries} if plan else set()


def test_what_is_held_stays_held_until_the_conflict_is_gone() -> None:
    cold = choose({**FOLDER, "a": SAME_ROUTE})
    same = choose({**FOLDER, "a": SAME_ROUTE}, cold.build.sources)
    assert states(same) == states(cold)
    assert served(same) == served(cold)
    mended = choose(FOLDER, same.build.sources)
    assert set(states(mended).values()) == {"current"}
    assert not any(served(mended).values())


def test_removing_a_name_is_the_error_of_who_removes_it() -> None:
    renamed = USERS.replace("users:", "people:").replace("to: users", "to: people")
    more = ORDERS + "  - {path: /more, to: users}\n"
    chosen = choose({**FOLDER, "users": renamed, "orders": more}, files(FOLDER))
    assert states(chosen) == {"gateway": "current", "users": "last good", "orders": "current"}
    (mistake,) = chosen.mistakes
    assert mistake.place == Place("users.yaml", 1, 1)
    assert "there is no backend 'users'" in mistake.message
    assert [p.file for p in mistake.also] == ["orders.yaml", "orders.yaml"]
    assert "/more" in served(chosen)


def test_a_deleted_file_stays_while_others_use_what_it_defines() -> None:
    left = {name: text for name, text in FOLDER.items() if name != "users"}
    chosen = choose(left, files(FOLDER))
    assert states(chosen) == {"gateway": "current", "users": "last good", "orders": "current"}
    assert told(chosen) == [
        "orders.yaml:3:28: users.yaml was removed, and is needed here: there is no backend 'users'"
    ]


def test_a_deleted_file_that_nobody_uses_is_gone() -> None:
    left = {name: text for name, text in FOLDER.items() if name != "orders"}
    chosen = choose(left, files(FOLDER))
    assert states(chosen) == {"gateway": "current", "users": "current"}
    assert "/orders/**" not in served(chosen)
    assert chosen.mistakes == chosen.build.mistakes == ()


def test_who_uses_a_name_that_is_not_there_is_at_fault() -> None:
    wrong = ORDERS.replace("to: users", "to: user")
    chosen = choose({**FOLDER, "orders": wrong}, files(FOLDER))
    assert states(chosen)["orders"] == "last good"
    assert told(chosen) == ["orders.yaml:3:28: there is no backend 'user'"]


def test_the_gateway_file_may_be_the_remover() -> None:
    proxied = GATEWAY.replace("version: 1", "version: 1\nlisten: {trustedHops: 1}")
    user = ORDERS.replace("to: users", "headers: {x-forwarded-proto: https}, to: users")
    before = {**FOLDER, "gateway": proxied, "orders": user}
    chosen = choose({**before, "gateway": GATEWAY}, files(before))
    assert states(chosen) == {"gateway": "last good", "users": "current", "orders": "current"}
    assert chosen.mistakes[0].place == Place("gateway.yaml", 1, 1)


def test_an_unread_file_is_a_mistake_of_that_file() -> None:
    left = {name: text for name, text in FOLDER.items() if name != "users"}
    why = Mistake(place=Place("users.yaml", 1, 1), message="permission denied")
    sources = Sources(files=files(left), mistakes=(why,), unread=("users.yaml",))
    chosen = Selector().choose(sources, files(FOLDER), Options())
    assert states(chosen) == {"gateway": "current", "users": "last good", "orders": "current"}
    assert chosen.mistakes == (why,)


def test_a_mistake_of_the_whole_changes_nothing() -> None:
    why = Mistake(place=Place("folder", 1, 1), message="there is no such file or folder")
    chosen = Selector().choose(Sources(files=(), mistakes=(why,)), files(FOLDER), Options())
    assert chosen.build.snapshot == build(files(FOLDER), Options()).snapshot
    assert set(states(chosen).values()) == {"last good"}
    assert chosen.mistakes == (why,)


def test_no_routes_at_all_is_said() -> None:
    chosen = choose({"gateway": "version: 1\n"}, files({"gateway": GATEWAY}))
    assert chosen.build.snapshot is None
    assert told(chosen) == ["gateway.yaml:1:1: there are no routes"]


def test_replicas_with_another_mount_path_agree() -> None:
    new = {**FOLDER, "orders": BROKEN}
    here = choose(new, files(FOLDER))
    there = Selector().choose(
        Sources(files=files(new, "/mnt/"), mistakes=()), files(FOLDER), Options()
    )
    assert states(here) == states(there)
    assert here.build.snapshot == there.build.snapshot


def test_what_became_idle_in_the_gateway_file_holds_nobody_back() -> None:
    idle = GATEWAY.replace("routes:", "whenDown: {jwks: {useCachedFor: 1h}}\nroutes:")
    asking = ORDERS.replace(
        "defaults: {auth: none}",
        'identities: {idp: {issuer: "https://idp.example.com", audience: shop}}\n'
        "defaults: {auth: idp}",
    )
    before = {**FOLDER, "gateway": idle, "orders": asking}
    assert set(states(choose(before)).values()) == {"current"}
    chosen = choose({**before, "orders": ORDERS}, files(before))
    assert set(states(chosen).values()) == {"current"}
    assert [m.severity for m in chosen.mistakes] == ["warning"]
    broken = choose({**before, "orders": BROKEN})
    assert states(broken)["gateway"] == "current", "the broken file may be who needs it"


def test_a_secret_that_is_gone_leaves_what_was_read_with_it() -> None:
    keyed = (
        USERS + "identities: {keys: {apiKey: {header: x-api-key}}}\n"
        'consumers: {acme: {key: "sha256:${HASH}"}}\n'
    )
    texts = {**FOLDER, "users": keyed}
    selector, sources = Selector(), Sources(files=files(texts), mistakes=())
    environ = {"HASH": "a" * 64}
    options = Options(secrets=Secrets(environ=environ, required=True))
    first = selector.choose(sources, (), options)
    assert set(states(first).values()) == {"current"}
    environ["HASH"] = "b" * 64
    turned = selector.choose(sources, first.build.sources, options)
    assert turned.build.services == build(files(texts), options).services
    del environ["HASH"]
    gone = selector.choose(sources, first.build.sources, options)
    assert states(gone)["users"] == "last good"
    assert gone.build.services == turned.build.services
    assert "is not set" in gone.mistakes[0].message
