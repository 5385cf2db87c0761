"""The README does what it says: its file, its curl lines, its mistake."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.stack import running as compose
from tests.e2e.process import ROOT, Process, foregate, free_port
from tools.parts import command

README = (ROOT / "README.md").read_text()
EXAMPLE = ROOT / "examples" / "shop" / "gateway.yaml"
BLOCK = re.compile(r"^```(\S+)(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
PORTS = ("8080", "9101", "9102", "9103", "9104", "9105", "9190")


def blocks(kind: str) -> list[tuple[str, str]]:
    return [(words.strip(), text) for k, words, text in BLOCK.findall(README) if k == kind]


def curls(kind: str = "console") -> list[tuple[str, list[str]]]:
    found = []
    for _, text in blocks(kind):
        for part in text.split("$ ")[1:]:
            line, *expected = part.strip().splitlines()
            if "curl " in line:
                found.append((line, expected))
    return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The example as it is, on ports that are free here."""
    folder = tmp_path_factory.mktemp("readme")
    ports = {port: str(free_port()) for port in PORTS}
    text = EXAMPLE.read_text()
    for old, new in ports.items():
        text = text.replace(old, new)
    (folder / "gateway.yaml").write_text(text)
    process = Process(foregate("dev"), folder)
    process.wait_for("is live")
    yield ports
    assert process.end() == 0


def test_no_number_waits_to_be_filled_in() -> None:
    assert not re.search(r"@[a-z]+@|\bTODO\b", README)


def test_the_yaml_is_the_example() -> None:
    assert blocks("yaml")[0][1] == EXAMPLE.read_text()


@pytest.mark.xdist_group("readme")
@pytest.mark.parametrize(("line", "expected"), curls(), ids=[line for line, _ in curls()])
def test_a_curl_line_gives_what_it_says(
    running: dict[str, str], line: str, expected: list[str]
) -> None:
    gives(running, line, expected)


@pytest.mark.xdist_group("compose")
def test_the_curl_lines_of_the_containers_give_what_they_say() -> None:
    lines = curls("compose")
    assert len(lines) >= 4
    with compose() as stack:
        for line, expected in lines:
            gives(stack.ports, line, expected)


def gives(ports: dict[str, str], line: str, expected: list[str]) -> None:
    for old, new in ports.items():
        line = line.replace(f":{old}", f":{new}")
        expected = [e.replace(f":{old}", f":{new}") for e in expected]
    line = f'curl() {{ {shlex.join(command("curl"))} "$@"; }}; {line}'
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True)  # noqa: S602 # the line as a reader types it
    said = iter(done.stdout.splitlines())
    for wanted in expected:  # each in this order, others may stand between
        assert any(wanted in found for found in said), f"{wanted!r} is not in\n{done.stdout}"
    assert expected


def test_the_mistake_is_told_as_it_says(tmp_path: Path) -> None:
    ((words, expected),) = blocks("mistake")
    good, _, bad = words.partition(" -> ")
    text = EXAMPLE.read_text()
    assert good in text
    (tmp_path / "gateway.yaml").write_text(text.replace(good, bad))
    done = subprocess.run(
        foregate("check", "gateway.yaml"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 1
    assert done.stdout.startswith(expected)


def test_the_commands_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for text in (README, (ROOT / "CONTRIBUTING.md").read_text()):
        for target in re.findall(r"`?make ([a-z]+)`?", text):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for name in set(re.findall(r"`foregate ([a-z]+)", README)):
        assert (ROOT / "foregate" / "commands" / f"{name}.py").exists(), name


def test_the_fleet_is_the_one_of_its_page() -> None:
    """Whose tests run the command."""
    ((_, text),) = blocks("fleet")
    assert f"```console\n{text}" in (ROOT / "docs" / "fleet.md").read_text()


def test_there_are_curl_lines() -> None:
    assert len(curls()) >= 10
