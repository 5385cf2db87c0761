"""The page about the history does what it says: its commands, its states, its keys, its bounds."""

import re
import shlex
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from controlplane.history.retention import Retention
from controlplane.history.version import Fate
from controlplane.history.versions import Versions
from controlplane.isolation.isolated import KeptState
from controlplane.selection.chosen import FileState
from foregate.historypage import FileRecord, NodeFateRecord, PartRecord, VersionRecord
from tests.e2e.process import ROOT, foregate
from tests.foregate.past import past

PAGE = (ROOT / "docs" / "history.md").read_text()
BLOCK = re.compile(r"^```(\S+)\n((?:.*\n)*?)```$", re.MULTILINE)


def blocks() -> list[str]:
    return [text for kind, text in BLOCK.findall(PAGE) if kind == "console"]


def rows(head: str) -> list[list[str]]:
    """The cells of the table below a head."""
    lines = PAGE.split(f"| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    past(folder)
    return folder


@pytest.mark.parametrize("block", blocks())
def test_a_command_says_what_the_page_says(state: Path, block: str) -> None:
    line, _, expected = block.removeprefix("$ ").partition("\n")
    done = subprocess.run(
        ["/bin/sh", "-c", f'foregate() {{ {shlex.join(foregate())} "$@"; }}\n{line}'],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            "PYTHONPATH": str(ROOT),
            "PATH": "/usr/bin:/bin",
            "FOREGATE_STATE_DIR": str(state),
            "TZ": "UTC",
        },
    )
    said = done.stdout + done.stderr
    for part in expected.splitlines() if " xds " in line else [expected.rstrip("\n")]:
        assert part in said
    assert done.returncode == (1 if expected.startswith("Error") else 0)


def test_there_are_commands() -> None:
    assert len(blocks()) == 5


def test_every_fate_state_and_key_is_explained() -> None:
    assert [row[0].strip("`") for row in rows("fate | what it means")] == [*get_args(Fate)]
    for state in (*get_args(FileState), *get_args(KeptState)):
        assert f"`{state}`" in PAGE
    keys = [name for row in rows("key | what") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(keys) == sorted(VersionRecord.__annotations__)
    explained = {name for row in rows("key | what") for name in re.findall(r"`(\w+)`", row[1])}
    for record in (FileRecord, PartRecord, NodeFateRecord):
        assert record.__annotations__.keys() <= explained


def test_the_bounds_are_those_of_the_code() -> None:
    told = {row[0]: row[1] for row in rows("bound | default | what it does")}
    bounds = Retention()
    assert told == {
        "versions": str(bounds.versions),
        "days": f"{bounds.days:g}",
        "bytes": f"{bounds.bytes >> 30} GiB",
        "least": str(bounds.least),
        "young": f"{bounds.young:g} days",
    }
    assert {f.name for f in fields(Retention)} == {*told, "every"}
    assert f"once in {bounds.every} versions" in PAGE


def test_the_example_is_a_history(state: Path) -> None:
    assert [one.number for one in Versions(state / "xds").versions()] == [3, 2, 1]
