"""The page about explaining does what it says: its file, its commands, its keys."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from foregate.main import main
from tests.e2e.process import ROOT, foregate

PAGE = (ROOT / "docs" / "explain.md").read_text()
FILE = re.findall(r"^```yaml gateway.yaml\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)[0]
COMMANDS = re.findall(r"^```console\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("block", COMMANDS)
def test_a_command_says_what_the_page_says(block: str, tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(FILE)
    line, _, expected = block.removeprefix("$ ").partition("\n")
    done = subprocess.run(
        ["/bin/sh", "-c", f'foregate() {{ {shlex.join(foregate())} "$@"; }}\n{line}'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 5


def test_every_key_is_explained(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(FILE)
    words = ["explain", "--config", str(tmp_path), "-o", "json", "GET", "http://api.example.com/x"]
    told = json.loads(CliRunner().invoke(main, words, catch_exceptions=False).stdout)
    table = PAGE.split("## For programs")[1]
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(told)
