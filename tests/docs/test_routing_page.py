"""The page about routing does what it says: its file, its command, its claims."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from controlplane.build import Options, build
from controlplane.sources import SourceFile
from language.matches import How
from tests.e2e.process import ROOT, foregate

PAGE = (ROOT / "docs" / "routing.md").read_text()
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
    assert done.returncode == 0
    assert expected in done.stdout


def test_each_kind_of_match_is_explained() -> None:
    table = PAGE.split("## What a route can ask for")[1]
    assert all(how.value in table for how in How if how not in {How.EXACT, How.ABSENT})
    assert "{present: false}" in table


@pytest.mark.parametrize(
    ("one", "other", "tie"),
    [("/users/[0-9]+", "/orders/.*", False), ("/a.*", "/.*b", True)],
)
def test_expressions_tie_as_the_page_says(one: str, other: str, tie: bool) -> None:  # noqa: FBT001 # a column
    assert f"`{one}` and `{other}`" in PAGE
    text = "version: 1\ndefaults: {auth: none}\nroutes:\n"
    for regex in (one, other):
        text += f"  - {{path: {{regex: '{regex}'}}, respond: {{status: 204}}}}\n"
    made = build((SourceFile(name="g", data=text.encode()),), Options())
    assert bool(made.mistakes) is tie
