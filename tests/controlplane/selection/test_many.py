"""Many files at fault at once: how often everything is resolved is bounded."""

import pytest

from controlplane.plan import resolve as planning
from controlplane.selection import choice
from controlplane.selection.blame import ASKED
from tests.controlplane.selection.folders import GATEWAY, choose, files, served, states

MANY = 40


@pytest.mark.parametrize("warm", [False, True])
def test_many_files_with_mistakes(monkeypatch: pytest.MonkeyPatch, *, warm: bool) -> None:
    resolves = 0

    def counted(*of: object, **more: object) -> object:
        nonlocal resolves
        resolves += 1
        return planning.resolve(*of, **more)  # type: ignore[arg-type] # as it is called

    route = "defaults: {auth: none}\nroutes:\n  - {path: /f%d, %s}\n"
    good = {f"f{n}": route % (n, "respond: {status: 204}") for n in range(MANY)}
    bad = {f"f{n}": route % (n, "to: nowhere") for n in range(MANY)}
    before = files({"gateway": GATEWAY, **good}) if warm else ()
    monkeypatch.setattr(choice, "resolve", counted)
    chosen = choose({"gateway": GATEWAY, **bad}, before)
    assert resolves <= ASKED + 4
    wanted = "last good" if warm else "not served"
    assert states(chosen) == {"gateway": "current", **dict.fromkeys(bad, wanted)}
    assert served(chosen) == {"/**": False, **{f"/f{n}": not warm for n in range(MANY)}}


def test_a_removed_name_that_many_use_is_still_the_removers_fault() -> None:
    named = "\nbackends: {shared: 'http://shared:80'}\nroutes:"
    users = {
        f"f{n}": f"defaults: {{auth: none}}\nroutes:\n  - {{path: /f{n}, to: shared}}\n"
        for n in range(MANY)
    }
    before = {"gateway": GATEWAY.replace("\nroutes:", named), **users}
    chosen = choose({"gateway": GATEWAY, **users}, files(before))
    assert states(chosen) == {"gateway": "last good", **dict.fromkeys(users, "current")}


def test_many_changes_that_only_together_make_an_error_all_stay_behind() -> None:
    """With more of them than is asked, nobody of them is let off."""
    names = [f"f{n}" for n in range(MANY)]
    route = "defaults: {auth: none}\nroutes:\n  - {path: /%s, respond: {status: 204}}\n"
    before = {"gateway": GATEWAY, **{name: route % name for name in names}}
    after = {"gateway": GATEWAY, **dict.fromkeys(names, route % "same")}
    chosen = choose(after, files(before))
    assert set(states(chosen).values()) == {"current", "last good"}
    assert chosen.build.snapshot is not None
    assert "/f0" in served(chosen)
