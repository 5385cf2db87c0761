"""The page about the fleet does what it says: its commands, its states, its keys, its metrics."""

import asyncio
import io
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry
from rich.console import Console

from controlplane.isolation.isolated import KeptState
from controlplane.seen.metrics import FleetMetrics
from controlplane.seen.page import STATES, FleetRecord, NodeRecord, TypeRecord
from controlplane.seen.served import Served
from controlplane.seen.servedmetrics import ServedMetrics
from controlplane.seen.servedpage import FileRecord, KeptRecord, ServedRecord, served_json
from controlplane.selection.chosen import FileState, FileView
from controlplane.xds.meter import Refusal
from foregate.commands.options import ADMIN
from foregate.headless import fleet_page
from foregate.servedtable import show_served
from language.mistakes import Mistake
from language.places import Place
from serving.address import Address, address
from serving.admin import Admin
from tests.controlplane.seen.fleets import FLEET, NOW
from tests.e2e.process import ROOT, foregate
from tools.parts import command

PAGE = (ROOT / "docs" / "fleet.md").read_text()
BLOCK = re.compile(r"^```(\S+)\n((?:.*\n)*?)```$", re.MULTILINE)


def blocks(kind: str) -> list[str]:
    return [text for k, text in BLOCK.findall(PAGE) if k == kind]


def column(heading: str) -> list[str]:
    """What is named in the first column of a section's table."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("|")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def typed(line: str, where: Address) -> str:
    """What a line says when a reader types it, and the control plane is there."""
    line = line.replace(ADMIN, str(where))
    words = f'foregate() {{ {shlex.join(foregate())} "$@"; }}\n'
    words += f'curl() {{ {shlex.join(command("curl"))} "$@"; }}\n{line}'
    done = subprocess.run(
        ["/bin/sh", "-c", words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "FOREGATE_ADMIN": str(where)},
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("block", blocks("console"))
def test_a_command_says_what_the_page_says(block: str) -> None:
    line, _, expected = block.removeprefix("$ ").partition("\n")

    async def all_of_it() -> str:
        page = fleet_page(lambda: FLEET, lambda: NOW)
        admin = Admin((), lambda: True, {"/fleet": page})
        where = await admin.start(address(":0"))
        try:
            return await asyncio.to_thread(typed, line, where)
        finally:
            await admin.stop()

    assert expected.rstrip("\n") in asyncio.run(all_of_it())


def test_there_are_commands() -> None:
    assert len(blocks("console")) == 3


def test_every_state_and_every_key_is_explained() -> None:
    assert column("States") == [*STATES]
    given = {*NodeRecord.__annotations__, *TypeRecord.__annotations__}
    given |= FleetRecord.__annotations__.keys() - {"nodes"}
    assert sorted(column("For programs")) == sorted(given)


def test_every_key_of_what_is_served_is_explained() -> None:
    given = {
        *ServedRecord.__annotations__,
        *FileRecord.__annotations__,
        *KeptRecord.__annotations__,
    }
    section = PAGE.split("\n## What is served\n")[1].split("\n## ")[0]
    assert all(f"`{key}`" in section for key in given)
    assert all(f"`{state}`" in PAGE for state in (*get_args(FileState), *get_args(KeptState)))


def test_what_is_served_looks_as_on_the_page() -> None:
    served = Served(
        number=12,
        content="c",
        since=NOW,
        files=(
            *(FileView(name=f"{n}.yaml", home=f"{n}.yaml", state="current") for n in range(9)),
            FileView(
                name="teams/orders.yaml",
                home="teams/orders.yaml",
                state="last good",
                mistakes=(
                    Mistake(
                        place=Place("teams/orders.yaml", 14, 9), message="unknown key 'backend'"
                    ),
                ),
            ),
        ),
    )
    out = io.StringIO()
    show_served(served_json(served, NOW), Console(file=out, width=200))
    assert out.getvalue() == blocks("served")[0]


def names() -> set[str]:
    """The metrics as a scrape shows them."""
    registry = CollectorRegistry()
    FleetMetrics(registry, tuple)
    registry.register(ServedMetrics(Served))
    counters = {f.name: "_total" * (f.type == "counter") for f in registry.collect()}
    return {name + end for name, end in counters.items()}


def test_every_metric_is_explained() -> None:
    assert set(column("Metrics")) == names()
    for reason in get_args(Refusal):
        assert f"`{reason}`" in PAGE


def test_the_expressions_are_sound_and_about_metrics_that_there_are(tmp_path: Path) -> None:
    found = blocks("promql")
    assert len(found) == 6
    for name in re.findall(r"\bforegate_\w+", "".join(found)):
        assert name.removesuffix("_bucket") in names()
    rules = [{"alert": f"a{at}", "expr": text} for at, text in enumerate(found)]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "fleet", "rules": rules}]}))
    words = [*command("promtool"), "check", "rules", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 rules found" in done.stdout
