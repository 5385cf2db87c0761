"""What was published, and the way back to it: under load, over kills, on a disk that fails."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet, until
from tests.e2e.routes import ran
from tests.e2e.teams import (
    FIRST,
    answers,
    asked,
    emptied,
    live,
    page,
    restarted,
    samples,
    served,
    teams,
    text,
    versions,
    whole,
)

pytestmark = pytest.mark.xdist_group("history")

PROVE = bool(os.environ.get("FOREGATE_PROVE"))
GIT = shutil.which("git") or "/usr/bin/git"
WHO = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"}
MANY = 12


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    with teams(folder, "envoy", "envoy-2", "envoy-3") as made:
        git(made, "init", "-q")
        committed(made, "first")
        made.start("controlplane")
        until("three live Envoys", lambda: live(made))
        yield made


@pytest.fixture
def fleet(standing: Fleet) -> Iterator[Fleet]:
    """Three Envoys with the first content of every file, before each test."""
    standing.files.mkdir(exist_ok=True)
    standing.heal()
    whole(standing)
    command(standing, "push", "--allow-removal")
    served(standing)
    until("three live Envoys", lambda: live(standing))
    yield standing
    if not standing.files.is_dir():
        standing.files.mkdir()


def git(fleet: Fleet, *words: str) -> str:
    environ = {**os.environ, **WHO, "GIT_COMMITTER_NAME": "C", "GIT_COMMITTER_EMAIL": "c@d.e"}
    done = subprocess.run(
        [GIT, "-C", str(fleet.files), *words],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def committed(fleet: Fleet, message: str) -> str:
    """Commit all that is there; gives the hash."""
    git(fleet, "add", "-A")
    git(fleet, "commit", "-q", "-m", message)
    return git(fleet, "rev-parse", "HEAD")


def command(fleet: Fleet, *words: str, code: int = 0) -> str:
    """What `foregate push` or `rollback` says."""
    admin = f"127.0.0.1:{fleet.ports['controlplane']}"
    done = ran(*words, "--admin", admin, cwd=fleet.folder, code=code)
    return done.stdout + done.stderr


def past(fleet: Fleet, *words: str, code: int = 0) -> str:
    """What a command says that reads the state folder."""
    return ran(
        *words, "--state-dir", str(fleet.folder / "state"), cwd=fleet.folder, code=code
    ).stdout


def number(fleet: Fleet) -> int:
    found: int = page(fleet)["served"]["version"]
    return found


def pinned(fleet: Fleet) -> int | None:
    found: int | None = page(fleet)["served"]["pinned"]
    assert samples(fleet)["foregate_rollback", ""] == (found is not None)
    return found


def saved(fleet: Fleet, team: str, count: int, more: str = "") -> int:
    """Save another content and wait for it; gives the number of the version."""
    before = number(fleet)
    fleet.save(f"{team}.yaml", text(team, count) + more)
    until("there is another version", lambda: number(fleet) > before)
    served(fleet)
    return number(fleet)


def test_each_version_says_whose_it_is(fleet: Fleet) -> None:
    one = saved(fleet, "beta", 2)
    (dirty,) = [v for v in versions(fleet) if v["number"] == one]
    assert dirty["commit"].endswith("+dirty")
    hash_ = committed(fleet, "second")
    fleet.save("beta.yaml", text("beta", 3))
    until("there is another", lambda: number(fleet) > one)
    fleet.kill("controlplane")
    hash_ = committed(fleet, "third")
    fleet.save("beta.yaml", text("beta", 4))
    hash_ = committed(fleet, "fourth")
    fleet.start("controlplane")
    served(fleet)
    newest = versions(fleet)[0]
    assert (newest["commit"], newest["author"]) == (hash_, "Ada <ada@example.com>")
    assert newest["changed"] == ["beta.yaml"]
    until("all three have it", lambda: set(versions(fleet)[0]["nodes"]) == NODES)
    shown = json.loads(past(fleet, "show", str(newest["number"]), "--files", "-o", "json"))
    contents = {f["home"]: f["content"] for f in shown["files"]}
    assert contents["beta.yaml"] == text("beta", 4)
    assert shown["fate"] == "live"
    kept = json.loads(past(fleet, "xds", "--at", str(newest["number"]), "-o", "json"))
    assert kept["version"] == newest["content"] == page(fleet)["served"]["content"]
    assert "beta-4" in json.dumps(kept)
    said = past(fleet, "diff", "live", str(one), code=2)
    assert "/beta" in said
    assert "no such version" not in past(fleet, "diff", "live", str(newest["number"]), code=0)


NODES = {"envoy-1", "envoy-2", "envoy-3"}


def test_a_rollback_stays_until_the_files_change(fleet: Fleet) -> None:
    with asked(fleet, "beta-2", "beta-3", "gamma-4") as load:
        two = saved(fleet, "beta", 2)
        saved(fleet, "beta", 3)
        answers(load, *FIRST - {"beta-1"}, "beta-3")
        assert "live" in command(fleet, "rollback")
        answers(load, *FIRST - {"beta-1"}, "beta-2")
        assert pinned(fleet) == two
        assert command(fleet, "rollback", "9999", code=1)
        assert pinned(fleet) == two
        newest = versions(fleet)[0]
        assert (newest["kind"], newest["of"]) == ("rollback", two)
        assert newest["by"]
        restarted(fleet)
        until("it is served", lambda: page(fleet)["served"]["content"])
        assert pinned(fleet) == two
        answers(load, *FIRST - {"beta-1"}, "beta-2")
        fleet.save("gamma.yaml", text("gamma", 4))
        answers(load, *FIRST - {"beta-1", "gamma-1"}, "beta-3", "gamma-4")
        assert pinned(fleet) is None


def test_push_leaves_a_rollback(fleet: Fleet) -> None:
    with asked(fleet, "beta-2") as load:
        one = number(fleet)
        saved(fleet, "beta", 2)
        answers(load, *FIRST - {"beta-1"}, "beta-2")
        command(fleet, "rollback", str(one))
        answers(load, *FIRST)
        assert pinned(fleet) == one
        assert command(fleet, "push")
        answers(load, *FIRST - {"beta-1"}, "beta-2")
        assert pinned(fleet) is None
        served(fleet)


@pytest.mark.parametrize("how", ["missing", "empty", "broken"])
def test_a_rollback_needs_no_files(fleet: Fleet, how: str) -> None:
    with asked(fleet, "beta-2", "beta-3") as load:
        one = number(fleet)
        saved(fleet, "beta", 2)
        answers(load, *FIRST - {"beta-1"}, "beta-2")
        if how == "missing":
            shutil.rmtree(fleet.files)
            behind = dict.fromkeys(("alpha", "beta", "gamma", "gateway"), "last good")
        elif how == "empty":
            emptied(fleet.files)
            behind = dict.fromkeys(("alpha", "beta", "gamma", "gateway"), "last good")
        else:
            fleet.save("beta.yaml", "routes: [")
            behind = {"beta": "last good"}
        served(fleet, **behind)
        command(fleet, "rollback", str(one))
        answers(load, *FIRST)
        assert pinned(fleet) == one
        restarted(fleet)
        until("it is served", lambda: page(fleet)["served"]["content"])
        answers(load, *FIRST)
        assert pinned(fleet) == one
        fleet.files.mkdir(exist_ok=True)
        whole(fleet)
        fleet.save("beta.yaml", text("beta", 3))
        answers(load, *FIRST - {"beta-1"}, "beta-3")
        assert pinned(fleet) is None


def test_the_brake_and_its_key(fleet: Fleet) -> None:
    """What it holds is not served, and said not to be; the key is for one version."""
    more = "".join(f"  - {{path: /gamma/{n}, to: shop}}\n" for n in range(MANY))
    with asked(fleet) as load:
        last = saved(fleet, "gamma", 1, more)
        fleet.save("gamma.yaml", text("gamma"))
        served(fleet, gamma="last good")
        assert number(fleet) == last
        assert fleet.status("/gamma/1") == 200
        assert "held" in command(fleet, "push", code=1)
        assert "is live" in command(fleet, "push", "--allow-removal")
        fleet.answers("/gamma/1", 404)
        served(fleet)
        newest = versions(fleet)[0]
        assert newest["lifted"]
        assert newest["by"]
        saved(fleet, "gamma", 1, more)
        fleet.save("gamma.yaml", text("gamma"))
        served(fleet, gamma="last good")
        assert fleet.status("/gamma/1") == 200
        answers(load, *FIRST)
        command(fleet, "push", "--allow-removal")


def garbled(path: Path) -> None:
    path.write_bytes(b"\0garbage\xff" * (1 + path.stat().st_size // 9))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zero(path: Path) -> None:
    os.truncate(path, 0)


WHERE = ("journal", "sets", "builds", "versions", "objects", "published", "numbered")
HOW: dict[str, Callable[[Path], None]] = {"garbled": garbled, "cut": cut, "zero": zero}


@pytest.mark.parametrize("how", HOW if PROVE else ("cut",))
@pytest.mark.parametrize("where", WHERE if PROVE else ("journal", "sets", "versions"))
def test_a_store_that_lost_something(fleet: Fleet, where: str, how: str) -> None:
    with asked(fleet, "beta-2", "beta-3", "gamma-2") as load:
        saved(fleet, "beta", 2)
        answers(load, *FIRST - {"beta-1"}, "beta-2")
        fleet.kill("controlplane")
        spoil(fleet.folder / "state" / "xds" / where, HOW[how])
        fleet.save("gamma.yaml", text("gamma", 2))
        fleet.start("controlplane")
        answers(load, *FIRST - {"beta-1", "gamma-1"}, "beta-2", "gamma-2")
        served(fleet)
        until("three live Envoys", lambda: live(fleet))
        saved(fleet, "beta", 3)
        answers(load, *FIRST - {"beta-1", "gamma-1"}, "beta-3", "gamma-2")
        assert versions(fleet)[0]["content"] == page(fleet)["served"]["content"]


def spoil(path: Path, how: Callable[[Path], None]) -> None:
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    files = [one for one in found if one.is_file() and one.stat().st_size]
    assert files
    for one in files:
        how(one)


def fill(path: Path) -> None:
    """Write until the disk is full. Raises OSError then."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


MOUNT = 'mkdir -p "$0" && mount -t tmpfs -o size=1200k none "$0" && exec "$@"'


def test_a_full_disk_is_told_and_holds_nothing_back(tmp_path: Path) -> None:
    """The state folder is a disk of its own, as only this control plane sees it."""
    state = tmp_path / "small"
    words = ["unshare", "-rm", "sh", "-c", MOUNT, str(state)]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system gives no mount of its own")
    with teams(tmp_path, "envoy") as fleet:
        fleet.states["controlplane"] = state
        fleet.before["controlplane"] = words
        fleet.start("controlplane")
        until("a live Envoy", lambda: live(fleet, 1))
        fleet.answers("/alpha", 200)
        with asked(fleet, "beta-2", "beta-3", "beta-4") as load:
            pid = fleet.running["controlplane"].child.pid
            inside = Path(f"/proc/{pid}/root{state}")
            filler = inside / "filler"
            with pytest.raises(OSError, match="No space"):
                fill(filler)
            fleet.save("beta.yaml", text("beta", 2))
            answers(load, *FIRST - {"beta-1"}, "beta-2")
            fleet.running["controlplane"].wait_for("the history has a gap")
            served(fleet)
            assert page(fleet)["served"]["version"] is None
            fleet.save("beta.yaml", text("beta", 3))
            answers(load, *FIRST - {"beta-1"}, "beta-3")
            filler.unlink()
            fleet.save("beta.yaml", text("beta", 4))
            answers(load, *FIRST - {"beta-1"}, "beta-4")
            served(fleet)
            words = ["history", "--state-dir", str(inside), "-o", "json"]
            listed = json.loads(ran(*words, cwd=tmp_path).stdout)["versions"]
            assert listed[0]["number"] == page(fleet)["served"]["version"]
            assert listed[0]["content"] == page(fleet)["served"]["content"]
