"""What is served, as people read it: the version, and the files that are not as on disk."""

import io

import pytest
from rich.console import Console

from controlplane.seen.servedpage import FileRecord, KeptRecord, ServedRecord
from foregate.servedtable import show_served

HOSTILE = "\x1b]0;owned\x07[red]x[/red]\r\u202e"


def page(**more: object) -> ServedRecord:
    made = ServedRecord(version=7, content="c0", servedFor=1.0, pinned=None, files=[], kept=[])
    return {**made, **more}  # type: ignore[typeddict-item] # of any field


def shown(served: ServedRecord) -> str:
    file = io.StringIO()
    show_served(served, Console(file=file, width=200, color_system=None, markup=True))
    return file.getvalue()


CURRENT = FileRecord(file="a.yaml", state="current", mistakes=["never shown"])
BEHIND = FileRecord(file="b.yaml", state="last good", mistakes=["b.yaml:2:1: no"])
CLOSED = KeptRecord(part="*/r-1", state="closed", places=["a.yaml:3:1", "a.yaml:4:1"], why="no")


@pytest.mark.parametrize(
    ("served", "first"),
    [
        (page(content="", version=None, servedFor=None), "nothing is served yet"),
        (page(), "version 7 is served"),
        (page(version=None), "version c0 is served"),
        (page(pinned=3), "version 7 is served: a rollback to 3, until the files change"),
        (
            page(files=[CURRENT, BEHIND]),
            "version 7 is served, with 1 of 2 files not as they are on disk",
        ),
        (page(files=[CURRENT]), "version 7 is served"),
    ],
)
def test_the_first_line(served: ServedRecord, first: str) -> None:
    assert shown(served).splitlines()[0] == first


def test_only_what_is_behind_is_listed() -> None:
    assert shown(page(files=[CURRENT, BEHIND], kept=[CLOSED])).splitlines()[1:] == [
        "  b.yaml  last good",
        "    b.yaml:2:1: no",
        "  a.yaml:3:1, a.yaml:4:1: Envoy refuses this  closed",
        "    no",
    ]
    assert "  */r-1: Envoy refuses this  closed" in shown(page(kept=[{**CLOSED, "places": []}]))


def test_nothing_of_a_page_moves_the_cursor() -> None:
    file = FileRecord(file=HOSTILE, state="last good", mistakes=[HOSTILE])
    part = KeptRecord(part=HOSTILE, state="closed", places=[], why=HOSTILE)
    for served in (page(version=None, content=HOSTILE), page(files=[file], kept=[part])):
        said = shown(served)
        assert all(line.isprintable() for line in said.split("\n"))
        assert "[red]x[/red]" in said
