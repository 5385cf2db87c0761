"""The page about xDS: its transcripts happen, its numbers are the code's, its tests exist."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from controlplane.gate import brake
from controlplane.rollout import moving, publisher, recorder
from controlplane.store.bounds import Bounds
from controlplane.xds import (
    admission,
    connection,
    due,
    ledger,
    options,
    phases,
    pilots,
    quarantine,
    roll,
    server,
    stream,
)
from foregate import debounce
from foregate.commands import controlplane as command
from tests.controlplane.xds.ads_transcript import both
from tests.e2e.process import ROOT

PAGE = (ROOT / "docs" / "xds.md").read_text()
BLOCK = re.compile(r"^```(\S*)\n((?:.*\n)*?)```$", re.MULTILINE)
UNIT = re.compile(r"(?<![\w.,=])(\d[\d,.]*) (s|KiB|MiB|%|days)(?!\w)")
TRANSCRIPTS = [text for kind, text in BLOCK.findall(PAGE) if kind == "transcript"]
NOT_OFFERED = {36, 37, 38, 47}


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("text", TRANSCRIPTS)
def test_a_transcript_happens_in_both_variants(text: str) -> None:
    both("\n".join(line.partition("#")[0] for line in text.splitlines()))


def test_there_are_transcripts_and_pictures_and_they_fit() -> None:
    assert len(TRANSCRIPTS) == 4
    for heading in ("Subscription", "Phases", "NACK"):
        kinds = [kind for kind, _ in BLOCK.findall(section(heading))]
        assert kinds[0] == ""
        assert "transcript" in kinds
    for _, text in BLOCK.findall(PAGE):
        assert max(map(len, text.splitlines())) <= 78


def test_the_numbers_are_those_of_the_code() -> None:
    assert [tuple(row) for row in rows("Numbers")] == [*NUMBERS.items()]


def test_a_number_in_the_text_is_one_of_the_table() -> None:
    prose = BLOCK.sub("", PAGE)
    said = {f"{value} {unit}" for value, unit in UNIT.findall(prose)}
    assert said - set(NUMBERS.values()) == set()
    counted = {"big replies at once", "new streams", "streams", "names of a type"}
    counted |= {"streams a connection", "refusals in quarantine", "nodes remembered"}
    before = prose.split("\n## Numbers\n")[0]
    for what in counted:
        assert re.search(rf"(?<![\d,]){NUMBERS[what]}(?![\d,])", before), what


def test_each_row_has_a_test_that_exists_or_is_not_offered() -> None:
    found = rows("The checklist")
    assert [int(number) for number, *_ in found] == list(range(1, 49))
    for number, _, proof in found:
        tests = re.findall(r"`([\w/]+\.py)::(\w+)`", proof)
        assert proof == ("<br>".join(f"`{f}::{n}`" for f, n in tests) or "not offered yet")
        assert bool(tests) == (int(number) not in NOT_OFFERED)
        for file, name in tests:
            assert name in functions(ROOT / "tests" / file)
            its = re.match(r"test_row_(\d+)(?:_and_(\d+))?_", name)
            assert its is None or int(number) in {int(n) for n in its.groups() if n}


def test_each_file_that_it_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists()
    for name in re.findall(r"`(controlplane/[\w/]+\.py|\w+\.py)`", PAGE):
        assert any(ROOT.joinpath("controlplane").rglob(Path(name).name)), name


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def seconds(value: float) -> str:
    return f"{value:g} s"


def size(value: int) -> str:
    return f"{value >> 20} MiB" if value >= 1 << 20 else f"{value >> 10} KiB"


def default(name: str) -> float:
    """What the command does without a flag."""
    (given,) = (p.default for p in command.command.params if p.name == name)
    assert isinstance(given, (int, float))
    return given


def channel(name: str) -> int:
    return int(dict(server._OPTIONS)[name])  # noqa: SLF001 # nobody else has to know them


WRITTEN = default("drain_time")

NUMBERS: Mapping[str, str] = {
    "grace time": seconds(phases.GRACE_SECONDS),
    "drain time unless written": seconds(WRITTEN),
    "added to the drain time": seconds(phases.DRAIN_SECONDS - WRITTEN),
    "an Envoy asks for clusters": seconds(stream.CLUSTERS_SECONDS),
    "a node is expected to ask for endpoints": seconds(phases.ASKING_SECONDS),
    "an Envoy that comes back says what it holds": seconds(stream.ARRIVAL_SECONDS),
    "late": seconds(connection.LATE_SECONDS),
    "services take a version": seconds(publisher.SERVICES_SECONDS),
    "a node is waited for": seconds(roll.SILENT_SECONDS),
    "new consumers wait after a start": seconds(moving.BACK_SECONDS),
    "instances may come back": seconds(publisher.RETURN_SECONDS),
    "refusals in quarantine": f"{quarantine.MOST:,}",
    "a pilot answers": seconds(pilots.PILOT_SECONDS),
    "the last of many pilots": seconds(pilots.LONGEST_SECONDS),
    "big reply": size(connection.BIG),
    "big replies at once": str(server.BIG_AT_ONCE),
    "a turn is handed on": seconds(connection.BIG_SECONDS),
    "one reply is read": seconds(connection.WRITE_SECONDS),
    "reply is split": size(due.REPLY_BYTES),
    "request": size(server.MESSAGE_BYTES),
    "names of a type": f"{stream.NAMES:,}",
    "first request": seconds(server.FIRST_SECONDS),
    "streams a connection": str(channel("grpc.max_concurrent_streams")),
    "idle before a ping": seconds(channel("grpc.keepalive_time_ms") / 1000),
    "answer to a ping": seconds(channel("grpc.keepalive_timeout_ms") / 1000),
    "new streams": str(options.ServerOptions().starting),
    "a stream is new": seconds(admission.SECONDS),
    "streams": f"{admission.STREAMS:,}",
    "what nodes hold is written": seconds(recorder.SECONDS),
    "a reply waits for it to be written": seconds(ledger.SECONDS),
    "and is on the disk": seconds(recorder.SYNC_SECONDS),
    "nodes remembered": f"{Bounds().nodes:,}",
    "for": f"{Bounds().seconds / 86_400:g} days",
    "brake, share": f"{brake.PERCENT} %",
    "brake, least": str(brake.LEAST),
    "quiet": seconds(debounce.QUIET),
    "longest quiet": seconds(debounce.LONGEST_QUIET),
    "longest burst": seconds(debounce.LONGEST),
}
