"""What is renamed or moved with a mistake on the way opens nothing."""

import pytest

from controlplane.build import Options, build
from controlplane.files import Sources
from controlplane.selection.chosen import Chosen
from controlplane.selection.selector import Selector
from controlplane.sources import SourceFile
from language.mistakes import Mistake
from language.places import Place
from language.secrets import Secrets
from tests.controlplane.selection.folders import choose, files, served, states

GATEWAY = """\
version: 1
defaults: {auth: none}
identities: {keys: {apiKey: {header: x-api-key}}}
routes:
  - {path: /**, respond: {status: 200}}
"""
ADMIN = """\
backends: {admin: "http://admin:80"}
routes:
  - {path: /admin/**, auth: keys, to: admin}
"""
TYPO = "  - {path: /x, auth: none, too: nowhere}\n"
OTHER = """\
backends: {admin: "http://admin:80"}
routes:
  - {path: /other, auth: none, to: admin}
"""
MOVED = "routes:\n  - {path: /admin/**, auth: keys, to: admin}\n"

BEFORE = {"gateway": GATEWAY, "t": ADMIN}


def test_a_file_renamed_with_a_mistake_stays_as_it_was() -> None:
    chosen = choose({"gateway": GATEWAY, "b": ADMIN + TYPO}, files(BEFORE))
    assert states(chosen) == {"gateway": "current", "t": "last good", "b": "not served"}
    assert served(chosen) == {"/admin/**": False, "/**": False}
    (why,) = (view.mistakes for view in chosen.files if view.home == "t.yaml")
    assert "/admin/** is gone here, and b.yaml, which has mistakes, may hold it" in why[0].message
    assert why[0] in chosen.mistakes
    again = choose({"gateway": GATEWAY, "b": ADMIN + TYPO}, chosen.build.sources)
    assert again == chosen
    mended = choose({"gateway": GATEWAY, "b": ADMIN}, again.build.sources)
    assert states(mended) == {"gateway": "current", "b": "current"}


@pytest.mark.parametrize(
    "last", ["", "routes:\n  - {path: /b, auth: none, respond: {status: 204}}\n"]
)
def test_a_route_moved_into_a_file_with_a_mistake_stays_where_it_was(last: str) -> None:
    before = {**BEFORE, **({"b": last} if last else {}), "t": ADMIN + OTHER[OTHER.index("  -") :]}
    after = {"gateway": GATEWAY, "t": OTHER, "b": MOVED + TYPO}
    chosen = choose(after, files(before))
    assert states(chosen)["t"] == "last good"
    assert served(chosen)["/admin/**"] is False


def test_a_route_that_lost_one_host_or_method_counts() -> None:
    text = ADMIN.replace("auth: keys", "methods: [GET, POST], auth: keys")
    before = {"gateway": GATEWAY, "t": "hosts: [a.example.com, b.example.com]\n" + text}
    for less in (
        before["t"].replace(", b.example.com", ""),
        before["t"].replace(", POST", ""),
    ):
        chosen = choose({**before, "t": less, "b": MOVED + TYPO}, files(before))
        assert states(chosen)["t"] == "last good"


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("path: {regex: '/adm[a-z]+'}", 'path: {regex: "/adm[a-z]+"}'),
        ("path: {regex: /adm}", "path: {regex: '/adm'}"),
        ("grpc: shop.Admin/Do", "grpc: shop.Admin/Do"),
        ("path: /shop.Admin/Do, methods: [POST]", "grpc: shop.Admin/Do"),
        ("path: '/shop.Admin/{m}', methods: [POST]", "grpc: shop.Admin"),
        ("path: /x, hosts: [a.example.com]", "path: /x, hosts: [a.example.com]"),
    ],
)
def test_every_kind_of_match_is_found_where_it_went(was: str, now: str) -> None:
    text = ADMIN.replace("path: /admin/**", was)
    moved = f"routes:\n  - {{{now}, auth: keys, to: admin}}\n"
    before = {"gateway": GATEWAY, "t": text + OTHER[OTHER.index("  -") :]}
    chosen = choose({"gateway": GATEWAY, "t": OTHER, "b": moved + TYPO}, files(before))
    assert states(chosen)["t"] == "last good"
    gone = choose({"gateway": GATEWAY, "t": OTHER, "b": "routes:\n" + TYPO}, files(before))
    assert states(gone)["t"] == "current" or "path: /x" in was  # `/x` is what the typo's path is


def test_what_is_served_elsewhere_now_is_not_missed() -> None:
    after = {"gateway": GATEWAY, "b": ADMIN, "c": MOVED + TYPO}
    assert states(choose(after, files(BEFORE))) == {
        "gateway": "current",
        "b": "current",
        "c": "not served",
    }


def test_a_broken_file_without_the_path_holds_no_one_back() -> None:
    after = {"gateway": GATEWAY, "b": "routes:\n" + TYPO}
    chosen = choose(after, files(BEFORE))
    assert states(chosen) == {"gateway": "current", "b": "not served"}
    assert "/admin/**" not in served(chosen)


@pytest.mark.parametrize(
    "text", ["", "# soon\nroutes: [", 'routes:\n  - {path: "/\\x61dmin/**", too: far}\n']
)
def test_a_file_that_does_not_say_what_it_holds_may_hold_anything(text: str) -> None:
    chosen = choose({"gateway": GATEWAY, "b": text}, files(BEFORE))
    assert states(chosen)["t"] == "last good"


def test_a_file_that_cannot_be_read_may_hold_anything() -> None:
    why = Mistake(place=Place("b.yaml", 1, 1), message="permission denied")
    sources = Sources(files=files({"gateway": GATEWAY}), mistakes=(why,), unread=("b.yaml",))
    assert states(Selector().choose(sources, files(BEFORE), Options()))["t"] == "last good"


def test_a_split_with_a_mistake_in_one_half_stays_whole() -> None:
    before = {"gateway": GATEWAY, "t": ADMIN + OTHER[OTHER.index("  -") :]}
    chosen = choose({"gateway": GATEWAY, "b": MOVED + TYPO, "c": OTHER}, files(before))
    assert states(chosen)["t"] == "last good"
    assert served(chosen) == {"/admin/**": False, "/other": False, "/**": False}


def test_a_held_file_that_is_renamed_stays_held() -> None:
    cold = choose({"gateway": GATEWAY, "t": ADMIN + TYPO})
    assert served(cold)["/admin/**"] is True
    renamed = {"gateway": GATEWAY, "b": ADMIN + TYPO}
    moved = choose(renamed, cold.build.sources)
    assert states(moved) == {"gateway": "current", "t": "not served", "b": "not served"}
    assert served(moved)["/admin/**"] is True
    again = choose(renamed, moved.build.sources)
    assert again == moved
    assert build(again.build.sources, Options()).snapshot == again.build.snapshot


KEYED = ADMIN + 'consumers: {bob: {key: "sha256:${HASH}"}}\n'


def _without_the_secret(text: str, good: tuple[SourceFile, ...]) -> Chosen:
    options = Options(secrets=Secrets(environ={}, required=True))
    sources = Sources(files=files({"gateway": GATEWAY, "t": text}), mistakes=())
    return Selector().choose(sources, good, options)


def test_what_was_served_is_held_also_where_a_mistake_hides_it_on_disk() -> None:
    """After a start without a secret neither what is on disk nor the last good can be served."""
    typo = KEYED.replace("to: admin}", "too: admin}\n  - {path: /b, auth: none, to: admin}")
    held = _without_the_secret(typo, files({"gateway": GATEWAY, "t": KEYED}))
    assert states(held)["t"] == "not served"
    assert served(held) == {"/admin/**": True, "/b": True, "/**": False}
    options = Options(secrets=Secrets(environ={}, required=True))
    assert build(held.build.sources, options).snapshot == held.build.snapshot
    kept = tuple(SourceFile(name=s.name, data=s.data, held=s.held) for s in held.build.sources)
    assert served(_without_the_secret(typo, kept)) == served(held), "as the history keeps it"
