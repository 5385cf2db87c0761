"""What is served of each file on disk, where something else than they is served."""

from dataclasses import replace

import pytest

from controlplane.build import Options, build, unplanned
from controlplane.files import Sources
from controlplane.selection.chosen import FileState
from controlplane.sources import SourceFile
from foregate.applying.change import fingerprint, same_resources
from foregate.applying.views import compared
from language.mistakes import Mistake
from language.places import Place
from tests.foregate.applying.world import MAIN, built, gateway, team


def file(name: str, text: str, *, held: bool = False) -> SourceFile:
    return SourceFile(name=name, data=text.encode(), held=held)


def disk(*files: SourceFile, unread: tuple[str, ...] = ()) -> Sources:
    return Sources(files=files, mistakes=(), unread=unread)


LIVE = unplanned(
    (file("a/gateway.yaml", "g"), file("a/one.yaml", "1"), file("a/two.yaml", "2")), ()
)


@pytest.mark.parametrize(
    ("there", "state"),
    [
        (disk(file("a/gateway.yaml", "g"), file("a/one.yaml", "1")), "current"),
        (disk(file("a/gateway.yaml", "g"), file("a/one.yaml", "other")), "last good"),
        (disk(file("a/gateway.yaml", "g")), "last good"),
        (disk(file("a/gateway.yaml", "g"), unread=("a/one.yaml",)), "last good"),
        (disk(file("b/gateway.yaml", "g"), file("b/one.yaml", "1")), "current"),
        (disk(), "last good"),
        (None, "last good"),
    ],
)
def test_a_file_that_is_served(there: Sources | None, state: FileState) -> None:
    assert {one.home: one.state for one in compared(there, LIVE)}["one.yaml"] == state


def test_what_is_new_or_held_is_not_served() -> None:
    held = replace(LIVE, sources=(*LIVE.sources, file("a/three.yaml", "3", held=True)))
    there = disk(*LIVE.sources, file("a/three.yaml", "3"), file("a/four.yaml", "4"))
    states = {one.home: one.state for one in compared(there, held)}
    assert states == {
        **dict.fromkeys(("gateway.yaml", "one.yaml", "two.yaml"), "current"),
        **dict.fromkeys(("three.yaml", "four.yaml"), "not served"),
    }


def test_before_the_first_version_nothing_is_served() -> None:
    assert [one.state for one in compared(disk(*LIVE.sources), None)] == ["not served"] * 3


def test_of_a_version_whose_files_nobody_knows_nothing_is_said() -> None:
    assert compared(disk(*LIVE.sources), replace(LIVE, sources=())) == ()


def test_errors_stand_at_the_files_that_are_not_served() -> None:
    no = Mistake(place=Place("a/one.yaml", 1, 1), message="no")
    warning = replace(no, severity="warning")
    there = disk(file("a/gateway.yaml", "g"), file("a/one.yaml", "other"))
    found = {one.home: one.mistakes for one in compared(there, LIVE, (no, warning))}
    assert found == {"gateway.yaml": (), "one.yaml": (no,), "two.yaml": (no,)}


def test_a_fingerprint_is_of_what_is_on_disk_wherever_that_is() -> None:
    one = fingerprint(disk(file("a/gateway.yaml", "g"), file("a/b/one.yaml", "1")))
    assert one == fingerprint(disk(file("c/b/one.yaml", "1"), file("c/gateway.yaml", "g")))
    others = {
        fingerprint(disk(file("a/gateway.yaml", "g"), file("a/b/one.yaml", "2"))),
        fingerprint(disk(file("a/gateway.yaml", "g"), file("a/b/two.yaml", "1"))),
        fingerprint(disk(file("a/gateway.yaml", "g"), unread=("a/b/one.yaml",))),
        fingerprint(disk(file("a/gateway.yaml", "g"))),
    }
    assert len(others) == 4
    assert one not in others


def test_the_same_resources_whatever_the_files_are_called() -> None:
    text = gateway("one").encode()
    other = build((SourceFile(name="other.yaml", data=text),), Options())
    assert same_resources(built("one"), other)
    assert not same_resources(built("one"), built("two"))
    moved = build((file("gateway.yaml", MAIN), file("one.yaml", team("one", 10))), Options())
    assert not same_resources(
        build((file("gateway.yaml", MAIN), file("one.yaml", team("one"))), Options()), moved
    )
