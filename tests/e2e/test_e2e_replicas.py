"""Control planes on copies of the same files: over one state folder all serve the same.

Their folders change one after the other and are at different paths, as on two machines.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.fleet import Fleet, until
from tests.e2e.routes import ran
from tests.e2e.teams import (
    FIRST,
    answers,
    asked,
    live,
    page,
    served,
    states,
    teams,
    text,
    versions,
    whole,
)

pytestmark = pytest.mark.xdist_group("replicas")

ONE, TWO, THREE = "controlplane", "controlplane-2", "controlplane-3"
FOLDERS = {ONE: "gateway", TWO: "gateway-2", THREE: "gateway-3"}
ADMINS = {ONE: "admin", TWO: "admin-2"}
MANY = 12


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    with teams(folder, "envoy") as made:
        whole(made, "gateway-2")
        made.join("envoy-2", TWO)
        made.start(ONE, TWO, "envoy-2")
        yield made


@pytest.fixture
def fleet(standing: Fleet) -> Fleet:
    """Two control planes with an Envoy each, on the first content of every file."""
    standing.heal()
    whole(standing)
    whole(standing, "gateway-2")
    until("both answer", lambda: page(standing) and page(standing, TWO))
    pushed(standing, ONE)
    pushed(standing, TWO)
    alike(standing)
    return standing


def pushed(fleet: Fleet, control: str, *words: str) -> str:
    admin = f"127.0.0.1:{fleet.ports[control]}"
    return ran("push", "--allow-removal", *words, "--admin", admin, cwd=fleet.folder).stdout


def content(fleet: Fleet, control: str) -> str:
    found: str = page(fleet, control).get("served", {}).get("content", "")
    return found


def saved(fleet: Fleet, control: str, file: str, said: str) -> None:
    """Save a file of one replica, and wait until that one has looked at it."""
    fleet.save(file, said, FOLDERS[control])


def held(fleet: Fleet, control: str) -> dict[str, Any]:
    """All that the Envoy of a control plane got, by type, without times."""
    said = json.loads(fleet.asked(ADMINS[control], "/config_dump")[1] or '{"configs": []}')
    return {
        f"{one['@type']} {key}": _plain(found)
        for one in said["configs"]
        for key, found in one.items()
        if key.startswith("dynamic")
    }


def _plain(found: Any) -> Any:
    """The same in any order, and without times."""
    if isinstance(found, dict):
        return {k: _plain(v) for k, v in found.items() if k != "last_updated"}
    if isinstance(found, list):
        return sorted(map(_plain, found), key=lambda one: json.dumps(one, sort_keys=True))
    return found


def alike(fleet: Fleet) -> None:
    """Wait until both serve the same, and both Envoys have it, byte for byte."""

    def same() -> bool:
        return (
            content(fleet, ONE) == content(fleet, TWO)
            and live(fleet, 1, ONE)
            and live(fleet, 1, TWO)
            and held(fleet, ONE) == held(fleet, TWO)
        )

    until("both serve the same", same)


def test_both_publish_the_same_bytes(fleet: Fleet) -> None:
    with asked(fleet, "beta-2") as load:
        before = content(fleet, ONE)
        saved(fleet, ONE, "beta.yaml", text("beta", 2))
        until("one has it", lambda: content(fleet, ONE) != before)
        saved(fleet, TWO, "beta.yaml", text("beta", 2))
        answers(load, *FIRST - {"beta-1"}, "beta-2")
        alike(fleet)
        assert content(fleet, ONE) != before
        assert versions(fleet)[0]["content"] == content(fleet, ONE)


def test_one_that_did_not_see_what_was_good_ends_at_the_same(fleet: Fleet) -> None:
    """One sees beta-2, then a broken beta; two sees the broken one alone."""
    with asked(fleet, "beta-2", "gamma-3") as load:
        before = content(fleet, ONE)
        saved(fleet, ONE, "beta.yaml", text("beta", 2))
        until("one has it", lambda: content(fleet, ONE) != before)
        until("its Envoy too", lambda: live(fleet, 1, ONE))
        for control in (ONE, TWO):
            saved(fleet, control, "beta.yaml", text("beta", 2) + "routes: [")
        served(fleet, control=ONE, beta="last good")
        until("two is behind", lambda: states(fleet, TWO).get("beta.yaml") == "last good")
        alike(fleet)
        for control in (ONE, TWO):
            saved(fleet, control, "gamma.yaml", text("gamma", 3))
        until("gamma is new", lambda: versions(fleet)[0]["changed"] == ["gamma.yaml"])
        alike(fleet)
        answers(load, *FIRST - {"beta-1", "gamma-1"}, "beta-2", "gamma-3")
        served(fleet, control=ONE, beta="last good")
        served(fleet, control=TWO, beta="last good")


def test_a_rollback_on_one_is_followed(fleet: Fleet) -> None:
    with asked(fleet, "beta-2") as load:
        before = content(fleet, ONE)
        for control in (ONE, TWO):
            saved(fleet, control, "beta.yaml", text("beta", 2))
        answers(load, *FIRST - {"beta-1"}, "beta-2")
        alike(fleet)
        ran("rollback", "--admin", f"127.0.0.1:{fleet.ports[TWO]}", cwd=fleet.folder)
        answers(load, *FIRST)
        alike(fleet)
        assert content(fleet, ONE) == before
        assert page(fleet, ONE)["served"]["pinned"] == page(fleet, TWO)["served"]["pinned"]
        assert page(fleet, ONE)["served"]["pinned"] is not None


def test_a_removal_that_one_was_let_through_is_followed(fleet: Fleet) -> None:
    more = "".join(f"  - {{path: /gamma/{n}, to: shop}}\n" for n in range(MANY))
    with asked(fleet) as load:
        before = content(fleet, ONE)
        for control in (ONE, TWO):
            saved(fleet, control, "gamma.yaml", text("gamma") + more)
        until("it is live", lambda: before not in (content(fleet, ONE), content(fleet, TWO)))
        alike(fleet)
        for control in (ONE, TWO):
            saved(fleet, control, "gamma.yaml", text("gamma"))
            served(fleet, control=control, gamma="last good")
        assert content(fleet, ONE) != before
        pushed(fleet, TWO)
        until("both have it", lambda: {content(fleet, ONE), content(fleet, TWO)} == {before})
        alike(fleet)
        answers(load, *FIRST)
        served(fleet, control=ONE)
        served(fleet, control=TWO)
        assert versions(fleet)[0]["lifted"]


def test_one_that_knows_nothing_is_not_ready_and_takes_nothing_away(fleet: Fleet) -> None:
    """A third with an empty state folder and a broken file; an Envoy moves over to it."""
    whole(fleet, "gateway-3")
    fleet.save("beta.yaml", text("beta") + "routes: [", "gateway-3")
    fleet.states[THREE] = fleet.folder / "state-3"
    with asked(fleet) as load:
        fleet.start(THREE)
        until("three is there", lambda: states(fleet, THREE))
        served(fleet, control=THREE, beta="not served")
        assert fleet.asked(THREE, "/ready")[0] == 503
        fleet.cut("envoy-2")
        fleet.join("envoy-2", THREE)
        fleet.kill(TWO)
        until("it has moved", lambda: page(fleet, THREE)["summary"] and page(fleet, THREE)["nodes"])
        answers(load, *FIRST)
        assert page(fleet, THREE)["nodes"][0]["phase"] == "held"
        fleet.save("gamma.yaml", text("gamma", 1) + "\n", "gateway-3")
        assert fleet.asked(THREE, "/ready")[0] == 503
        fleet.save("beta.yaml", text("beta"), "gateway-3")
        served(fleet, control=THREE)
        until("it is ready", lambda: fleet.asked(THREE, "/ready")[0] == 200)
        until("the Envoy has it", lambda: live(fleet, 1, THREE))
        answers(load, *FIRST)
        fleet.cut("envoy-2")
        fleet.join("envoy-2", TWO)
        fleet.start(TWO)
        fleet.kill(THREE)
        del fleet.started[THREE]
        until("it is back", lambda: live(fleet, 1, TWO))
