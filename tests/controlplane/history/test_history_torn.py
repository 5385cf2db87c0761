"""Whatever stands in the files: no version is a wrong one, no number comes twice."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from controlplane.history.history import History
from controlplane.history.retention import Retention
from controlplane.history.version import NodeFate
from controlplane.store.bounds import Bounds
from controlplane.store.store import Store
from tests.controlplane.history.noted import contents, note, number_of
from tests.controlplane.store.numbered import numbered

NEWEST = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    history = History(store)
    for number in range(1, NEWEST + 1):
        history.record(numbered(number), note(number))
        history.settle(number, "live", {"a": NodeFate(state="live", at=number)})
    store.publish(numbered(NEWEST))
    store.close()
    return tmp_path


def files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "lock"]


def hurt(data: bytes) -> Iterator[bytes]:
    """Cut at some lengths, a bit turned in some bytes, and what is none of ours."""
    step = max(1, len(data) // 5)
    yield from (data[:length] for length in range(0, len(data), step))
    yield from (
        data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :] for at in range(0, len(data), step)
    )
    yield from (
        b"\0" * 5_000,
        b"\n\n\n",
        b"{}",
        b"[" * 100_000,
        b"\xff\xfe",
        b"fgz\n" + b"\xff" * 8,
    )
    yield from (data + data, data.replace(b"\n", b""))


def seen(folder: Path) -> dict[int, int]:
    """All versions that can be read, each of one piece; then another one is recorded."""
    store = Store(folder)
    history = History(store)
    found = {}
    for one in history.versions():
        found[one.number] = number_of(one)
        build = history.build(one.number)
        if build is not None:
            assert replace(build, sources=()) == numbered(number_of(one))
            assert build.sources[0].data == contents(number_of(one))
    history.policies(1e9)
    history.limits(1e9)
    store.close()
    return found


def test_a_hurt_file_costs_its_version_at_most(folder: Path) -> None:
    assert seen(folder) == {1: 1, 2: 2, 3: 3}
    with capture_logs():
        for path in files(folder):
            whole = path.read_bytes()
            for other in hurt(whole):
                path.write_bytes(other)
                found = seen(folder)
                assert found.items() <= {1: 1, 2: 2, 3: 3}.items()
                lost = {int(path.name)} if path.parent.name == "versions" else set()
                assert found.keys() | lost == {1, 2, 3}, path
            path.write_bytes(whole)
    assert seen(folder) == {1: 1, 2: 2, 3: 3}


@pytest.mark.parametrize("torn", [False, True])
def test_no_number_comes_twice_after_any_one_file_was_lost(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, *, torn: bool
) -> None:
    with capture_logs():
        for path in files(folder):
            other = tmp_path_factory.mktemp("lost") / "xds"
            shutil.copytree(folder, other)
            lost = other / path.relative_to(folder)
            lost.unlink()
            if torn:
                lost.write_bytes(b"torn")
            store = Store(other)
            history = History(store)
            version = history.record(numbered(9), note(9))
            assert version.number == NEWEST + 1, path
            assert history.newest() == version
            assert history.build(version.number) is not None
            store.close()


def test_the_highest_number_outlives_its_version(folder: Path) -> None:
    (folder / "versions" / str(NEWEST)).unlink()
    history = History(Store(folder))
    assert history.record(numbered(9), note(9)).number == NEWEST + 1
    (folder / "numbered").write_bytes(b"garbage")
    (folder / "versions" / str(NEWEST + 1)).write_bytes(b"garbage")
    history = History(Store(folder))
    assert history.record(numbered(10), note(10)).number == NEWEST + 2


def test_a_file_under_another_number_is_no_version(folder: Path) -> None:
    versions = folder / "versions"
    (versions / "2").rename(versions / "7")
    (versions / "07").write_bytes((versions / "1").read_bytes())
    (versions / "8").mkdir()
    with capture_logs() as said:
        history = History(Store(folder))
        assert [one.number for one in history.versions()] == [3, 1]
        history.versions()
    assert {Path(one["path"]).name for one in said} == {"7", "8"}
    assert len(said) == 2


def test_a_word_after_a_torn_one_counts(folder: Path) -> None:
    path = folder / "versions" / "3"
    path.write_bytes(path.read_bytes()[:-5])
    history = History(Store(folder))
    found = history.newest()
    assert found is not None
    assert (found.fate, found.nodes) == ("published", {})
    history.settle(3, "rejected", {"b": NodeFate(state="rejected", at=1.0)})
    found = history.newest()
    assert found is not None
    assert (found.fate, list(found.nodes)) == ("rejected", ["b"])


def test_what_is_torn_for_good_does_not_keep_the_rest_from_leaving(folder: Path) -> None:
    (folder / "versions" / "1").write_bytes(b"torn")
    for path in files(folder / "sets"):
        path.write_bytes(b"torn")
    retention = Retention(versions=2, least=1, young=0, every=1)
    with capture_logs():
        store = Store(folder, bounds=Bounds(sets=0))
        history = History(store, retention=retention, clock=lambda: 4e9)
        for number in range(10, 20):
            history.record(numbered(number), note(number))
        for number in (20, 21):
            store.publish(numbered(number))
        history.record(numbered(20), note(20))
    assert not (folder / "versions" / "1").exists()
    assert len(files(folder / "sets")) < 20
