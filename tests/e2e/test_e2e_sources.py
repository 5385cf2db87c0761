"""Files break, go and come back, under load and over a restart: each fails alone, nobody notices.

Every request is counted, and after each step all that is shown (the fleet's page, the command, the
metrics, `check`, the history) has to be true.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet, until
from tests.e2e.teams import (
    FILES,
    FIRST,
    answers,
    asked,
    checked,
    emptied,
    live,
    page,
    served,
    teams,
    text,
    told,
    versions,
    whole,
)

pytestmark = pytest.mark.xdist_group("sources")

PROVE = bool(os.environ.get("FOREGATE_PROVE"))


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with teams(tmp_path_factory.mktemp("fleet")) as made:
        until("three live Envoys", lambda: live(made))
        yield made


@pytest.fixture
def fleet(standing: Fleet) -> Iterator[Fleet]:
    """Three Envoys with the first content of every file, before each test."""
    standing.heal()
    whole(standing)
    served(standing)
    until("three live Envoys", lambda: live(standing))
    yield standing
    if not standing.files.is_dir():
        standing.files.mkdir()


def truncated(offset: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:offset])

    return spoil


def replaced(old: str, new: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        data = path.read_text()
        assert old in data
        path.write_text(data.replace(old, new))

    return spoil


def unlisted(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads every file")
    path.chmod(0)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def astray(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


SYNTAX = replaced("routes:", "routes: [")
KEY = replaced("respond:", "replies:")
SPOILT = {
    "syntax": SYNTAX,
    "key": KEY,
    "denied": unlisted,
    "fifo": fifo,
    "astray": astray,
    **{f"half-{n}": truncated(n) for n in (1, 10, 27, 40, 60)},
}
LESS = ("syntax", "denied", "fifo", "half-40")


@pytest.mark.parametrize("how", SPOILT if PROVE else LESS)
def test_a_broken_file_stays_as_it_was_and_others_go_on(fleet: Fleet, how: str) -> None:
    alpha = fleet.files / "alpha.yaml"
    with asked(fleet, "gamma-2", "alpha-3") as load:
        SPOILT[how](alpha)
        served(fleet, alpha="last good")
        fleet.save("gamma.yaml", text("gamma", 2))
        answers(load, *FIRST - {"gamma-1"}, "gamma-2")
        served(fleet, alpha="last good")
        alpha.unlink()
        fleet.save("alpha.yaml", text("alpha", 3))
        answers(load, *FIRST - {"gamma-1", "alpha-1"}, "gamma-2", "alpha-3")
        served(fleet)


@pytest.mark.parametrize("how", SPOILT if PROVE else ("half-27",))
def test_a_file_that_broke_while_nobody_looked(fleet: Fleet, how: str) -> None:
    """At the restart one file is broken, and another has changed."""
    with asked(fleet, "beta-2", "gamma-2") as load:
        fleet.kill("controlplane")
        SPOILT[how](fleet.files / "alpha.yaml")
        fleet.save("gamma.yaml", text("gamma", 2))
        fleet.start("controlplane")
        answers(load, *FIRST - {"gamma-1"}, "gamma-2")
        served(fleet, alpha="last good")
        told(fleet, alpha="last good")
        written = {one["home"]: one["state"] for one in versions(fleet)[0]["files"]}
        assert written == dict.fromkeys(FILES, "current") | {"alpha.yaml": "last good"}
        fleet.save("beta.yaml", text("beta", 2))
        answers(load, *FIRST - {"gamma-1", "beta-1"}, "gamma-2", "beta-2")
        served(fleet, alpha="last good")


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restart"])
def test_a_removed_file_that_another_needs_stays(fleet: Fleet, *, restart: bool) -> None:
    with asked(fleet, "gamma-2") as load:
        if restart:
            fleet.kill("controlplane")
        (fleet.files / "alpha.yaml").unlink()
        fleet.save("gamma.yaml", text("gamma", 2))
        if restart:
            fleet.start("controlplane")
        answers(load, *FIRST - {"gamma-1"}, "gamma-2")
        served(fleet, alpha="last good")
        assert "alpha.yaml was removed" in page(fleet)["served"]["files"][0]["mistakes"][0]
        assert "there is no backend 'shop'" in checked(fleet, well=False)
        fleet.save("alpha.yaml", text("alpha"))
        served(fleet)


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restart"])
def test_who_claims_a_route_of_another_stays_behind(fleet: Fleet, *, restart: bool) -> None:
    with asked(fleet, "alpha-2") as load:
        if restart:
            fleet.kill("controlplane")
        fleet.save("gamma.yaml", text("gamma", 9).replace('"/gamma"', '"/beta"'))
        fleet.save("alpha.yaml", text("alpha", 2))
        if restart:
            fleet.start("controlplane")
        answers(load, *FIRST - {"alpha-1"}, "alpha-2")
        served(fleet, gamma="last good")
        said = checked(fleet, well=False)
        assert "beta.yaml" in said
        assert "gamma.yaml" in said
        fleet.save("gamma.yaml", text("gamma"))
        served(fleet)


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restart"])
def test_of_a_broken_gateway_file_too(fleet: Fleet, *, restart: bool) -> None:
    with asked(fleet, "alpha-2", "gateway-3") as load:
        if restart:
            fleet.kill("controlplane")
        SYNTAX(fleet.files / "gateway.yaml")
        fleet.save("alpha.yaml", text("alpha", 2))
        if restart:
            fleet.start("controlplane")
        answers(load, *FIRST - {"alpha-1"}, "alpha-2")
        served(fleet, gateway="last good")
        told(fleet, gateway="last good")
        fleet.save("gateway.yaml", text("gateway", 3))
        answers(load, *FIRST - {"alpha-1", "gateway-1"}, "alpha-2", "gateway-3")
        served(fleet)


GONE: dict[str, Callable[[Path], None]] = {"missing": shutil.rmtree, "empty": emptied}
ALL = dict.fromkeys(("alpha", "beta", "gamma", "gateway"), "last good")


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restart"])
@pytest.mark.parametrize("how", GONE)
def test_without_any_files_all_stays(fleet: Fleet, how: str, *, restart: bool) -> None:
    """What is there again may be older: that is published as any other content is."""
    with asked(fleet, "beta-2") as load:
        fleet.save("beta.yaml", text("beta", 2))
        answers(load, *FIRST - {"beta-1"}, "beta-2")
        served(fleet)
        number = page(fleet)["served"]["version"]
        if restart:
            fleet.kill("controlplane")
        GONE[how](fleet.files)
        if restart:
            fleet.start("controlplane")
        served(fleet, **ALL)
        assert page(fleet)["served"]["version"] == number
        if how == "missing" and not restart:
            told(fleet, **ALL)
        fleet.files.mkdir(exist_ok=True)
        whole(fleet)
        answers(load, *FIRST)
        served(fleet)
        assert page(fleet)["served"]["version"] > number


def test_a_cold_start_with_a_broken_file(tmp_path: Path) -> None:
    """Its requests wait for it: no other route takes them, and the replica is not ready."""
    with teams(tmp_path, "envoy") as fleet:
        fleet.save("gateway.yaml", text("gateway").replace('"/"', '"/**"'))
        replaced("}}\n", "}}\n  - {path: /gamma/far, to: nowhere}\n")(fleet.files / "gamma.yaml")
        fleet.start("controlplane")
        fleet.answers("/alpha", 200)
        served(fleet, gamma="not served")
        assert [fleet.status(path) for path in ("/", "/beta/shop", "/gamma")] == [200, 200, 503]
        assert fleet.asked("controlplane", "/ready")[0] == 503
        fleet.save("gamma.yaml", text("gamma"))
        fleet.answers("/gamma", 200)
        served(fleet)
        assert fleet.asked("controlplane", "/ready")[0] == 200


def test_a_cold_start_with_a_conflict(tmp_path: Path) -> None:
    with teams(tmp_path, "envoy") as fleet:
        fleet.save("gateway.yaml", text("gateway").replace('"/"', '"/**"'))
        fleet.save("gamma.yaml", text("gamma").replace('"/gamma"', '"/beta"'))
        fleet.start("controlplane")
        fleet.answers("/alpha", 200)
        served(fleet, beta="not served", gamma="not served")
        assert [fleet.status(path) for path in ("/", "/beta/shop", "/beta")] == [200, 503, 503]
        assert fleet.asked("controlplane", "/ready")[0] == 503
        assert "neither is" in checked(fleet, well=False)
        fleet.save("gamma.yaml", text("gamma"))
        fleet.answers("/gamma", 200)
        served(fleet)
        assert fleet.asked("controlplane", "/ready")[0] == 200
