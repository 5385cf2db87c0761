"""`foregate history`, `show` and `xds --at`, on a state folder that nobody else uses."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controlplane.history.history import History
from controlplane.history.version import KeptFile, NodeFate
from controlplane.store.store import Store
from foregate.historypage import VersionRecord
from foregate.main import main
from tests.controlplane.history.noted import note
from tests.controlplane.store.numbered import numbered
from tests.e2e.process import ROOT, foregate
from tests.foregate.past import past


@pytest.fixture(autouse=True)
def logs_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run in this process: its logs stay as tests have them."""
    monkeypatch.setattr("foregate.commands.show.configure", lambda *_: None)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    past(tmp_path / "state")
    return tmp_path / "state"


def run(*words: str, state: Path | None = None) -> Result:
    environ = {"FOREGATE_STATE_DIR": str(state) if state else None}
    return CliRunner().invoke(main, words, catch_exceptions=False, env=environ)


def test_the_newest_are_listed_first(state: Path) -> None:
    said = run("history", state=state).stdout.splitlines()
    assert [line.split()[0] for line in said if not line.startswith(" ")] == ["NUMBER", *"321"]
    assert "  1 file and 1 part stayed behind: foregate show 2" in said


def test_a_limit_compares_with_the_version_behind_it(state: Path) -> None:
    said = run("history", "--limit", "2", "--state-dir", str(state)).stdout.splitlines()
    assert [line.split()[0] for line in said if not line.startswith(" ")] == ["NUMBER", "3", "2"]
    assert "orders.yaml, users.yaml" in said[2]


def test_for_programs(state: Path) -> None:
    listed = json.loads(run("history", "-o", "json", state=state).stdout)["versions"]
    assert [one["number"] for one in listed] == [3, 2, 1]
    assert set(listed[0]) == set(VersionRecord.__annotations__)
    assert json.loads(run("show", "2", "-o", "json", state=state).stdout) == listed[1]
    again = json.loads(run("history", "show", "2", "-o", "json", state=state).stdout)
    assert again == listed[1]
    whole = json.loads(run("show", "1", "--files", "-o", "json", state=state).stdout)
    assert [f["content"].splitlines()[0] for f in whole["files"]] == [
        "version: 1",
        "routes: [{path: /orders, auth: none, to: orders}]",
    ]


def test_a_version_has_the_resources_of_its_files(state: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    folder.mkdir()
    whole = json.loads(run("show", "1", "--files", "-o", "json", state=state).stdout)
    for file in whole["files"]:
        (folder / file["home"]).write_text(file["content"])
    one = json.loads(run("xds", "--at", "1", "-o", "json", state=state).stdout)
    other = json.loads(run("xds", "-o", "json", str(folder)).stdout)
    assert one["version"] == other["version"] == whole["content"]
    assert [r["resource"] for r in one["resources"]] == [r["resource"] for r in other["resources"]]
    lines = [line for r in one["resources"] for line in r["lines"]]
    assert lines
    assert all(line.startswith(("gateway.yaml:", "orders.yaml:")) for line in lines)


@pytest.mark.parametrize("words", [("show", "9"), ("history", "show", "9"), ("xds", "--at", "9")])
def test_a_number_that_is_not_there_is_told_with_those_that_are(
    state: Path, words: tuple[str, ...]
) -> None:
    said = run(*words, state=state)
    assert (said.exit_code, said.stdout) == (1, "")
    assert "there is no version 9: there are 1 to 3" in said.stderr


@pytest.mark.parametrize("words", [("history",), ("show", "1"), ("xds", "--at", "1")])
def test_without_a_history(tmp_path: Path, words: tuple[str, ...]) -> None:
    said = run(*words, "--state-dir", str(tmp_path))
    assert said.exit_code == 1
    assert f"there is no history in {tmp_path}" in said.stderr
    assert list(tmp_path.iterdir()) == []
    Store(tmp_path / "xds").close()
    said = run(*words, "--state-dir", str(tmp_path))
    assert said.exit_code == (0 if words == ("history",) else 1)
    assert "no version has been published" in said.output


@pytest.mark.parametrize(
    "words",
    [
        ("xds", "--at", "1", "gateway.yaml"),
        ("xds", "--at", "1", "--services", "x"),
        ("xds", "--state-dir", "x"),
        ("xds", "--at", "0"),
        ("history", "--limit", "3", "show", "1"),
        ("history", "--limit", "0"),
        ("show",),
    ],
)
def test_what_would_have_no_effect_is_refused(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


def test_a_version_of_which_a_file_is_lost_is_listed_and_not_served(state: Path) -> None:
    whole = json.loads(run("show", "2", "-o", "json", state=state).stdout)
    (users,) = (f["sha256"] for f in whole["files"] if f["home"] == "users.yaml")
    (state / "xds" / "objects" / users).unlink()
    assert run("show", "2", state=state).exit_code == 0
    for words in (("show", "2", "--files"), ("xds", "--at", "2")):
        said = run(*words, state=state)
        assert said.exit_code == 1
        assert "lost" in said.stderr
    assert run("xds", "--at", "1", state=state).exit_code == 0


def test_nothing_from_the_disk_moves_a_cursor_or_shows_a_secret(tmp_path: Path) -> None:
    odd = "\x1b[31m\n" + "x" * 200
    data = b"a: http://me:s3cret@x\r\n\x1b[31mb: sha256:" + b"ab" * 32 + b"\n"
    file = KeptFile(name=odd, home=odd, data=data, state="current")
    history = History(Store(tmp_path / "xds"))
    history.record(
        numbered(1),
        note(1).__class__(
            seen=odd,
            files=(file,),
            author=odd,
            commit=odd,
            proof=odd + " http://me:s3cret@x",
            by="",
            lifted=(odd,),
            parts=note(1).parts,
        ),
    )
    history.settle(1, "live", {odd: NodeFate(state=odd, at=1e300)})
    for words in (("history",), ("show", "1", "--files"), ("xds", "--at", "1")):
        said = run(*words, "--state-dir", str(tmp_path))
        assert said.exit_code == 0 or words[0] == "xds"
        assert "\x1b" not in said.output
        assert "s3cret" not in said.output
        assert "ab" * 8 not in said.output


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no namespaces here")
def test_a_folder_that_may_only_be_read_is_enough(state: Path) -> None:
    """On a file system that is mounted for reading, which binds root as well."""
    words = f"mount --bind -o ro {state} {state} && mount -o remount,bind,ro {state} && "
    words += f"! touch {state}/x 2>/dev/null && exec {shlex.join(foregate())} show 1 --files"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", words],  # noqa: S607 # the system's
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "FOREGATE_STATE_DIR": str(state)},
    )
    if "not permitted" in done.stderr:
        pytest.skip("no mount namespaces here")
    assert (done.returncode, done.stderr) == (0, "")
    assert "version 1: live" in done.stdout
