"""Which content of each file is served: removals, and what fails alone."""

from controlplane.build import Options, build
from controlplane.files import Sources
from controlplane.selection.selector import Selector
from language.mistakes import Mistake
from language.places import Place
from language.secrets import Secrets
from tests.controlplane.selection.folders import (
    BROKEN,
    FOLDER,
    GATEWAY,
    ORDERS,
    USERS,
    choose,
    files,
    served,
    states,
    told,
)


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
