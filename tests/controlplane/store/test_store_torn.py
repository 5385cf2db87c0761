"""Whatever stands in the files, the last state that can be read is given, and nothing raises."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from controlplane.build import Build
from controlplane.snapshot import CLUSTER, Resource
from controlplane.store.store import Store
from tests.controlplane.store.numbered import cluster, layers, numbered, plain

OLD, NEW = numbered(1), numbered(2)
Given = tuple[Build | None, tuple[Resource, ...]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    store.publish(OLD)
    store.hold("a", layers(1))
    store.publish(NEW)
    store.hold("a", layers(2))
    store.close()
    return tmp_path


def given(folder: Path) -> Given:
    store = Store(folder)
    try:
        return store.published(), store.holding("a").get(CLUSTER, ())
    finally:
        store.close()


def each_file(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


Change = Callable[[bytes], Iterator[bytes]]


def cut(data: bytes) -> Iterator[bytes]:
    return (data[:length] for length in range(len(data)))


def turned(data: bytes) -> Iterator[bytes]:
    """One bit in every seventh byte."""
    return (data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :] for at in range(0, len(data), 7))


def foreign(_: bytes) -> Iterator[bytes]:
    return iter([b"\0" * 5_000, b"\n\n\n", b"{}", b"[" * 100_000, b"\xff\xfe", b"../" * 21 + b"/"])


@pytest.mark.parametrize("change", [cut, turned, foreign])
def test_a_hurt_file_gives_the_old_state_or_the_new(folder: Path, change: Change) -> None:
    assert given(folder) == (NEW, (cluster(2),))
    seen: set[tuple[str, int]] = set()
    for path in each_file(folder):
        whole = path.read_bytes()
        both = path.parent.name in {"objects", "sets"} and needed_by_both(path)
        for hurt in change(whole):
            path.write_bytes(hurt)
            build, held = given(folder)
            number = 0 if build is None else build.keys_use_for_ms
            assert build in ((None,) if both else (OLD, NEW)), path
            assert held in ((), (cluster(1),), (cluster(2),)), path
            assert held or path.name == "journal" or path.parent.name == "objects"
            seen.add((path.parent.name if path.parent != folder else path.name, number))
        path.write_bytes(whole)
    assert {("published", 1), ("builds", 1), ("sets", 1), ("objects", 1), ("journal", 2)} <= seen


def needed_by_both(path: Path) -> bool:
    text = plain(path)
    return text == b"same" or b"ClusterLoadAssignment" in text.partition(b'"type"')[2]


def test_a_missing_file_is_as_good_as_a_torn_one(folder: Path) -> None:
    for path in each_file(folder):
        whole = path.read_bytes()
        both = path.parent.name in {"objects", "sets"} and needed_by_both(path)
        path.unlink()
        build, _ = given(folder)
        assert build in ((None,) if both else (OLD, NEW)), path
        path.write_bytes(whole)


def test_what_is_left_out_is_told_once(folder: Path) -> None:
    (folder / "published").write_bytes(b"x")
    (folder / "journal").write_bytes(b"x\ny\n")
    store = Store(folder)
    with capture_logs() as said:
        assert store.published() == store.published() == OLD
    assert [Path(one["path"]).name for one in said] == ["published"]
    with capture_logs() as said:
        Store(folder).published()
    assert [Path(one["path"]).name for one in said] == ["journal", "published"]


def test_a_hurt_file_is_mended_by_the_next_publish(folder: Path) -> None:
    for path in list(each_file(folder)):
        if path.parent != folder:
            whole = path.read_bytes()
            path.write_bytes(b"?" * len(whole))
    assert given(folder)[0] is None
    store = Store(folder)
    store.publish(NEW)
    store.hold("a", layers(2))
    assert given(folder) == (NEW, (cluster(2),))


def test_a_line_after_a_torn_one_counts(folder: Path) -> None:
    journal = folder / "journal"
    journal.write_bytes(journal.read_bytes()[:-9])
    store = Store(folder)
    assert store.holding("a") == {CLUSTER: (cluster(1),)}
    store.hold("a", layers(3))
    assert given(folder)[1] == (cluster(3),)


def test_nothing_is_removed_while_something_cannot_be_read(folder: Path) -> None:
    """It could be for a while only: the disk's fault, not the file's."""
    (hurt,) = (p for p in each_file(folder / "sets") if needed_by_both(p))
    whole = hurt.read_bytes()
    hurt.write_bytes(b"")
    store = Store(folder)
    for number in range(100, 165):
        store.hold("a", layers(number))
    hurt.write_bytes(whole)
    assert given(folder)[0] == NEW


def test_folders_and_pipes_in_the_place_of_files_are_left_out(folder: Path) -> None:
    for name in ("published", "published.before"):
        (folder / name).unlink()
        (folder / name).mkdir()
    for path in list(each_file(folder / "sets")):
        path.unlink()
        path.mkdir()
    assert given(folder) == (None, ())
