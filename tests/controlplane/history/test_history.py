"""What is recorded is there, by its number, for every process that shares the folder."""

import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from controlplane.history import history as module
from controlplane.history import words
from controlplane.history.retention import DAY, Retention
from controlplane.history.version import NodeFate, Note
from controlplane.history.versions import Versions
from controlplane.sources import SourceFile
from controlplane.store.bounds import Bounds
from controlplane.store.objects import StoreError
from controlplane.store.store import Store
from language.places import Place
from tests.controlplane.history.noted import contents, note, number_of
from tests.controlplane.history.opened import Opened
from tests.controlplane.store.clock import Clock
from tests.controlplane.store.numbered import numbered, plain


def test_a_new_folder_has_no_history(opened: Opened) -> None:
    mine = opened()
    assert mine.newest() is None
    assert mine.versions() == ()
    assert mine.version(1) is None
    assert mine.files(1) == ()
    assert mine.build(1) is None
    assert mine.policies(0) == {}


def test_a_version_comes_back_whole(opened: Opened, tmp_path: Path) -> None:
    version = opened().record(numbered(7), note(7))
    assert (version.number, version.at, version.fate, version.nodes) == (1, 1e9, "published", {})
    assert version.note == replace(note(7), files=version.note.files)
    assert [f.data for f in version.note.files] == [b"", b""]
    for mine in (opened(), Versions(tmp_path)):
        assert mine.versions() == (version,)
        assert mine.newest() == mine.version(1) == version
        first, second = mine.files(1)
        assert (first.home, first.data, first.state) == ("gateway.yaml", contents(7), "current")
        assert (second.home, second.data, second.state) == ("a.yaml", b"", "not served")
        source = SourceFile(name="/etc/g/gateway.yaml", data=contents(7))
        assert mine.build(1) == replace(numbered(7), sources=(source,))


def test_names_that_are_no_text_come_back(opened: Opened) -> None:
    odd = replace(note(1), author="\udc80\x1b[31m", by="\n", commit="")
    opened().record(numbered(1), odd)
    found = opened().version(1)
    assert found is not None
    assert (found.note.author, found.note.by) == (odd.author, odd.by)


def test_the_newest_is_first(opened: Opened) -> None:
    mine, other = opened(), opened()
    for number in range(1, 13):
        assert (mine, other)[number % 2].record(numbered(number), note(number)).number == number
    assert [one.number for one in mine.versions()] == [*range(12, 0, -1)]
    assert [one.number for one in other.versions(3)] == [12, 11, 10]
    assert [*map(number_of, mine.versions(2))] == [12, 11]


def test_replicas_with_the_same_files_make_one_version(opened: Opened) -> None:
    first = opened().record(numbered(1), note(1))
    (at,) = numbered(1).provenance
    elsewhere = replace(numbered(1), provenance={at: (Place("/other/f", 1, 1),)})
    named = tuple(replace(f, name="/other/" + f.home) for f in note(1).files)
    mine = opened()
    assert mine.record(numbered(1), note(1)) == first
    assert mine.record(elsewhere, replace(note(1), files=named, by="bob", seen="")) == first
    assert len(mine.versions()) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda n: replace(n, kind="rollback", of=1),
        lambda n: replace(n, files=n.files[:1]),
        lambda n: replace(n, files=(replace(n.files[0], data=b"# else"), n.files[1])),
        lambda n: replace(n, files=(replace(n.files[0], state="last good"), n.files[1])),
    ],
)
def test_what_is_not_the_same_is_another_version(
    opened: Opened, change: Callable[[Note], Note]
) -> None:
    mine = opened()
    mine.record(numbered(1), note(1))
    assert mine.record(numbered(1), change(note(1))).number == 2
    assert mine.record(numbered(2), change(note(1))).number == 3
    assert mine.record(numbered(1), note(1)).number == 4


def test_what_became_of_a_version_is_noted_by_all(opened: Opened, tmp_path: Path) -> None:
    one, two = opened(), opened()
    one.record(numbered(1), note(1))
    one.settle(1, "live", {"a": NodeFate(state="live", at=5.0)})
    two.settle(1, "published", {"b": NodeFate(state="late", at=6.0)})
    for mine in (one, two, Versions(tmp_path)):
        found = mine.newest()
        assert found is not None
        assert found.fate == "live"
        assert {n: (f.state, f.at) for n, f in found.nodes.items()} == {
            "a": ("live", 5.0),
            "b": ("late", 6.0),
        }
    two.settle(1, "rejected", {"b": NodeFate(state="rejected", at=7.0)})
    found = one.newest()
    assert found is not None
    assert (found.fate, found.nodes["b"].at, found.nodes["a"].at) == ("rejected", 7.0, 5.0)


def test_what_is_known_costs_no_line_and_unknown_numbers_nothing(
    opened: Opened, tmp_path: Path
) -> None:
    mine = opened()
    mine.record(numbered(1), note(1))
    mine.settle(1, "live", {"a": NodeFate(state="live", at=5.0)})
    size = (tmp_path / "versions" / "1").stat().st_size
    mine.settle(1, "live", {"a": NodeFate(state="live", at=9.0)})
    mine.settle(2, "live", {})
    assert (tmp_path / "versions" / "1").stat().st_size == size
    assert [p.name for p in (tmp_path / "versions").iterdir()] == ["1"]


def test_a_version_that_lives_long_stays_small(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST", 4_000)
    mine, other = opened(), opened()
    mine.record(numbered(1), note(1))
    for number in range(200):
        state = ("gone", "live")[number % 2]
        (mine, other)[number % 3 == 0].settle(1, "live", {"a": NodeFate(state=state, at=number)})
        assert (tmp_path / "versions" / "1").stat().st_size < 5_000
    for one in (mine, other, opened()):
        found = one.newest()
        assert found is not None
        assert found.nodes == {"a": NodeFate(state="live", at=199.0)}
        assert one.build(1) is not None


def fleet(names: Iterable[str], state: str, at: float) -> dict[str, NodeFate]:
    return {name: NodeFate(state=state, at=at) for name in names}


def test_names_that_come_and_go_leave_a_version_again(opened: Opened, tmp_path: Path) -> None:
    """Pods have new names each time, for as long as a version lives."""
    mine, other = opened(), opened()
    mine.record(numbered(1), note(1))
    written = 0
    for turn in range(40):
        pods = [f"edge-7c9d8b6f5d-{turn}-{n}" for n in range(300)]
        before = [f"edge-7c9d8b6f5d-{turn - 1}-{n}" for n in range(300)]
        news = fleet(before if turn else (), "gone", turn) | fleet(pods, "live", turn)
        (mine, other)[turn % 2].settle(1, "live", news)
        written = max(written, (tmp_path / "versions" / "1").stat().st_size)
    assert written < 2 * module._LONGEST  # noqa: SLF001 # the bound that is tested
    for one in (mine, other, opened()):
        found = one.version(1)
        assert found is not None
        assert len(found.nodes) == words.NODES
        live = {name for name, node in found.nodes.items() if node.state == "live"}
        assert live == {f"edge-7c9d8b6f5d-39-{n}" for n in range(300)}
        assert min(node.at for node in found.nodes.values()) == 37


def test_a_large_fleet_is_not_written_down_again_with_each_news(
    opened: Opened, tmp_path: Path
) -> None:
    mine = opened()
    mine.record(numbered(1), note(1))
    names = [f"edge-{n}" for n in range(3 * words.NODES)]
    mine.settle(1, "live", fleet(names, "live", 1.0))
    size = (tmp_path / "versions" / "1").stat().st_size
    mine.settle(1, "live", fleet(names, "live", 2.0))
    assert (tmp_path / "versions" / "1").stat().st_size == size
    found = mine.version(1)
    assert found is not None
    noted = next(iter(found.nodes))
    mine.settle(1, "live", fleet(names, "live", 3.0) | fleet([noted], "rejected", 3.0))
    found = mine.version(1)
    assert found is not None
    assert (len(found.nodes), found.nodes[noted].state) == (words.NODES, "rejected")


def test_a_version_that_cannot_be_shorter_is_not_written_anew_each_time(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST", 2_000)
    mine = opened()
    mine.record(numbered(1), note(1))
    mine.settle(1, "live", fleet((f"edge-{n}" for n in range(500)), "live", 1.0))
    path = tmp_path / "versions" / "1"
    inode = path.stat().st_ino
    assert path.stat().st_size > 2_000
    mine.settle(1, "live", {"edge-1": NodeFate(state="late", at=2.0)})
    assert path.stat().st_ino == inode


def test_files_are_the_owners_alone(opened: Opened, tmp_path: Path) -> None:
    mine = opened()
    mine.record(numbered(1), note(1))
    mine.settle(1, "live", {})
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_reader_writes_nothing(opened: Opened, tmp_path: Path) -> None:
    opened().record(numbered(1), note(1))
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    mine = Versions(tmp_path)
    assert mine.build(1) is not None
    assert mine.files(1)
    assert Versions(tmp_path / "missing").versions() == ()
    assert Versions(tmp_path / "missing").build(1) is None
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_what_the_store_does_not_need_stays_for_the_history(opened: Opened, tmp_path: Path) -> None:
    mine = opened(bounds=Bounds(sets=4, journal=700))
    other = Store(tmp_path, bounds=Bounds(sets=4))
    for number in range(1, 20):
        mine.record(numbered(number), note(number))
        other.publish(numbered(1_000 + number))  # this removes things, by then and by now
    assert other.published() == numbered(1_019)
    for one in (mine, Versions(tmp_path)):
        assert [*map(number_of, one.versions())] == [*range(19, 0, -1)]
        for number in range(1, 20):
            found = one.build(number)
            assert found is not None
            assert replace(found, sources=()) == numbered(number)
    objects = {plain(p) for p in (tmp_path / "objects").iterdir()}
    assert b"a1001" not in objects
    assert b"a1" in objects


def test_versions_beyond_the_number_leave_with_what_only_they_had(
    opened: Opened, tmp_path: Path, clock: Clock
) -> None:
    mine = opened(Retention(versions=5, least=2, young=0, every=1))
    for number in range(1, 20):
        clock.now += 8 * DAY
        mine.record(numbered(number), note(number))
    numbers = [one.number for one in mine.versions()]
    assert numbers == [*range(19, numbers[-1] - 1, -1)]
    assert 5 <= len(numbers) <= 6
    there = {plain(p) for p in (tmp_path / "objects").iterdir()}
    assert contents(19) in there
    assert contents(1) not in there
    assert b"a1" not in there
    assert mine.record(numbered(1), note(1)).number == 20


def test_the_newest_and_the_young_stay_in_any_number(opened: Opened, clock: Clock) -> None:
    mine = opened(Retention(versions=1, days=1, least=4, young=7, every=1))
    for number in range(1, 10):
        mine.record(numbered(number), note(number))
    assert len(mine.versions()) == 9
    clock.now += 8 * DAY
    mine.record(numbered(10), note(10))
    mine.record(numbered(11), note(11))
    assert [one.number for one in mine.versions()] == [11, 10, 9, 8]


def test_bytes_win_but_not_over_the_newest_and_the_live(opened: Opened, tmp_path: Path) -> None:
    mine = opened(Retention(bytes=1, every=1))
    mine.record(numbered(1), note(1))
    mine.settle(1, "live", {})
    for number in range(2, 9):
        mine.record(numbered(number), note(number))
    assert [one.number for one in mine.versions()][-1] == 1
    assert len(mine.versions()) <= 3
    assert mine.build(1) is not None
    assert contents(4) not in {plain(p) for p in (tmp_path / "objects").iterdir()}


def test_what_is_noted_of_nodes_counts_among_the_bytes(opened: Opened) -> None:
    mine = opened(Retention(bytes=100_000, every=0, least=1, young=0))
    for number in range(1, 5):
        mine.record(numbered(number), note(number))
        mine.settle(number, "live", fleet((f"{'x' * 90}-{n}" for n in range(500)), "live", 1.0))
    mine.record(numbered(5), note(5))
    assert [one.number for one in mine.versions()] == [5, 4]


def test_a_file_whose_content_is_lost_makes_no_smaller_gateway(
    opened: Opened, tmp_path: Path
) -> None:
    mine = opened()
    mine.record(numbered(1), note(1))
    digest = mine.versions()[0].note.files[0].digest
    (tmp_path / "objects" / digest).unlink()
    with pytest.raises(StoreError, match=r"the content of gateway\.yaml is lost"):
        mine.files(1)
    assert mine.build(1) is None


def test_who_records_at_the_same_time_has_numbers_of_their_own(opened: Opened) -> None:
    histories = [opened(bounds=Bounds(sets=3)) for _ in range(4)]

    def each(at: int) -> list[int]:
        mine = histories[at]
        builds = (1_000 * at + n for n in range(8))
        return [mine.record(numbered(n), note(n)).number for n in builds]

    with ThreadPoolExecutor(4) as pool:
        given = [number for found in pool.map(each, range(4)) for number in found]
    assert sorted(given) == [*range(1, 33)]
    assert len({number_of(one) for one in opened().versions()}) == 32
