"""The page about differences does what it says: its files, its commands, its keys."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from foregate.diffrecords import records
from tests.controlplane.difference.differing import found
from tests.e2e.process import ROOT, foregate

PAGE = (ROOT / "docs" / "diff.md").read_text()
FILES = re.compile(r"^```yaml (\S+)\n((?:.*\n)*?)```$", re.MULTILINE)
COMMANDS = re.compile(r"^```console\n((?:.*\n)*?)```$", re.MULTILINE)


@pytest.mark.parametrize("block", COMMANDS.findall(PAGE))
def test_a_command_says_what_the_page_says(block: str, tmp_path: Path) -> None:
    for name, text in FILES.findall(PAGE):
        (tmp_path / name).write_text(text)
    line, _, expected = block.removeprefix("$ ").partition("\n")
    words = f'foregate() {{ {shlex.join(foregate())} "$@"; }}\n{line}'
    done = subprocess.run(
        ["/bin/sh", "-c", words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert expected in done.stdout


def test_every_key_is_explained() -> None:
    text = FILES.findall(PAGE)[0][1]
    table = PAGE.split("## For programs")[1]
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    keys = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert keys == set(records(found(text, text), ("a", "b")))
