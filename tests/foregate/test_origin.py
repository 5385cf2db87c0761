"""Who wrote the files, as git says, and nothing of what a repository would have it run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from foregate import origin as module
from foregate.origin import Origin, origin

ADA = "Ada <ada@example.com>"


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgSign=false"]
    done = subprocess.run(
        ["git", *who, "-C", str(folder), *words],  # noqa: S607 # the same as the program finds
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine under load is no reason to know less."""
    monkeypatch.setattr(module, "SECONDS", 30.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a gateway in a folder, and something else beside it."""
    there = tmp_path / "repository" / "gateway"
    (there / "more").mkdir(parents=True)
    git(there.parent, "init", "-q")
    (there / "gateway.yaml").write_text("version: 1\n")
    (there / "more" / "a.yaml").write_text("routes: []\n")
    git(there.parent, "add", ".")
    git(there.parent, "commit", "-qm", "one")
    (there.parent / "README").write_text("else\n")
    git(there.parent, "add", ".")
    git(there.parent, "commit", "-qm", "two")
    return there


def test_the_last_commit_of_the_files_counts(folder: Path) -> None:
    first = git(folder, "rev-parse", "HEAD~1")
    assert origin(folder) == Origin(author=ADA, commit=first)
    assert origin(folder / "gateway.yaml") == Origin(author=ADA, commit=first)
    link = folder.parent.parent / "link"
    link.symlink_to(folder)
    assert origin(link).commit == first


@pytest.mark.parametrize("change", ["edited", "new", "removed", "staged", "linked"])
def test_files_that_differ_are_dirty(folder: Path, change: str) -> None:
    file = folder / "more" / "a.yaml"
    match change:
        case "edited":
            file.write_text("routes: [] \n")
        case "new":
            (folder / "b.yaml").write_text("")
        case "removed":
            file.unlink()
        case "staged":
            file.write_text("else")
            git(folder, "add", ".")
        case "linked":
            (folder / "kept").write_bytes(file.read_bytes())
            file.unlink()
            file.symlink_to("../kept")
    assert origin(folder).commit == git(folder, "rev-parse", "HEAD~1") + "+dirty"
    assert origin(folder / "gateway.yaml").commit == git(folder, "rev-parse", "HEAD~1")


def test_what_is_no_file_of_the_gateway_makes_nothing_dirty(folder: Path) -> None:
    (folder / "notes.txt").write_text("")
    (folder / ".hidden.yaml").write_text("")
    assert origin(folder).commit == git(folder, "rev-parse", "HEAD~1")


def test_where_git_knows_nothing(folder: Path, tmp_path: Path) -> None:
    (folder / "new.yaml").write_text("")
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "gateway.yaml").write_text("version: 1\n")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    git(fresh, "init", "-q")
    for path in (folder / "new.yaml", alone, fresh, tmp_path / "missing", Path("a\0b")):
        assert origin(path) == Origin()


def test_without_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert origin(folder) == Origin()


def test_a_git_that_hangs_is_ended(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (slow / "git").chmod(0o755)
    monkeypatch.setattr(module, "SECONDS", 0.2)
    monkeypatch.setenv("PATH", f"{slow}:{os.environ['PATH']}")
    assert origin(folder) == Origin()


def test_names_are_no_options_and_no_patterns(folder: Path) -> None:
    for name in ("--output=x", "-p", ":(glob)**", "*.yaml"):
        (folder / name).write_text("version: 1\n")
        assert origin(folder / name) == Origin()
        git(folder, "--literal-pathspecs", "add", "--", name)
    git(folder, "commit", "-qm", "three")
    for name in ("--output=x", "-p", ":(glob)**", "*.yaml"):
        assert origin(folder / name) == Origin(author=ADA, commit=git(folder, "rev-parse", "HEAD"))


def test_nothing_of_a_hostile_repository_runs(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    run = tmp_path / "run"
    run.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    run.chmod(0o755)
    for key in (
        *("core.fsmonitor", "core.pager", "core.sshCommand", "gpg.program", "filter.x.clean"),
        *("filter.x.process", "diff.external", "diff.x.textconv", "alias.log", "pager.log"),
    ):
        git(folder, "config", key, str(run))
    git(folder, "config", "log.showSignature", "true")
    git(folder, "config", "protocol.ext.allow", "always")
    git(folder, "config", "remote.origin.url", f"ext::{run}")
    git(folder, "config", "remote.origin.promisor", "true")
    git(folder, "config", "remote.origin.partialclonefilter", "blob:none")
    git(folder, "config", "extensions.partialClone", "origin")
    git(folder, "config", "core.repositoryFormatVersion", "1")
    (folder / ".gitattributes").write_text("* filter=x diff=x\n")
    (folder / "gateway.yaml").write_text("version: 1 \n")
    assert origin(folder).commit.endswith("+dirty")
    shutil.rmtree(folder.parent / ".git" / "objects")
    (folder.parent / ".git" / "objects").mkdir()
    assert origin(folder) == Origin()
    assert not mark.exists()


def test_a_hostile_repository_of_the_test_can_run_things(folder: Path, tmp_path: Path) -> None:
    """Else the test before this one would prove nothing."""
    mark = tmp_path / "ran"
    run = tmp_path / "run"
    run.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    run.chmod(0o755)
    git(folder, "config", "filter.x.clean", str(run))
    (folder / ".gitattributes").write_text("* filter=x\n")
    (folder / "gateway.yaml").write_text("version: 2\n")
    git(folder, "status")
    assert mark.exists()


def test_an_environment_that_points_elsewhere_is_not_followed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git(folder, "rev-parse", "HEAD~1")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert origin(folder).commit == commit


def test_what_is_in_an_author_is_short_and_not_trusted(folder: Path) -> None:
    (folder / "gateway.yaml").write_text("version: 1 \n")
    git(folder, "commit", "-aqm", "x", "--author", "y\x1b[31m" + "x" * 500 + " <a@b>")
    found = origin(folder)
    assert found.author.startswith("y\x1b[31m")  # made visible where it is shown
    assert len(found.author) == 200


def test_git_is_told_nothing_of_our_environment(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    spy = tmp_path / "bin" / "git"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\n/usr/bin/env >> {told}\nexec {shutil.which("git")} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("BOB_KEY_HASH", "sha256:secret")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert origin(folder).author == ADA
    names = {line.partition("=")[0] for line in told.read_text().splitlines()}
    of_a_shell = {"PWD", "_", "SHLVL"}
    ours = {name for name in names - of_a_shell if not name.startswith("GIT_")}
    assert ours == {"PATH", "HOME", "LC_ALL"}
    assert "GIT_DIR" not in names
