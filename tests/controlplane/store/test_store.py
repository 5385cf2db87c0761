"""What goes into a store comes out of it, in the next process too."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.build import Build
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    SECRET,
    Reference,
    Resource,
    Snapshot,
    snapshot,
)
from controlplane.store.bounds import Bounds
from controlplane.store.store import Store, StoreError
from tests.controlplane.compile.golden import CASES_BY_NAME, built
from tests.controlplane.store.clock import Clock
from tests.controlplane.store.numbered import cluster, layers, made, numbered, plain, world

HOUR = 3600.0
DAY = 24 * HOUR
Opened = Callable[..., Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Open the store of the test's folder, once more each time."""
    stores: list[Store] = []

    def more(**named: object) -> Store:
        stores.append(Store(tmp_path / "store", **named))  # type: ignore[arg-type] # as given
        return stores[-1]

    yield more
    for one in stores:
        one.close()


def kept(build: Build) -> Build:
    return replace(build, sources=(), mistakes=(), plan=None)


def files(folder: Path) -> dict[str, int]:
    """Every file by its name, with its inode: another one was written anew."""
    return {str(p.relative_to(folder)): p.stat().st_ino for p in folder.rglob("*") if p.is_file()}


def test_a_new_folder_holds_nothing(opened: Opened) -> None:
    store = opened()
    assert store.published() is None
    assert store.holding("a") == {}
    assert store.find(CLUSTER, "a", "a1") is None


def test_every_golden_case_comes_back(opened: Opened) -> None:
    store = opened()
    for name, case in CASES_BY_NAME.items():
        build = built(case)
        store.publish(build)
        assert store.published() == kept(build), name
    assert opened().published() == store.published()


names = st.text(max_size=3)
references = st.builds(Reference, names, names)
resources = st.builds(
    Resource,
    type_url=st.sampled_from([CLUSTER, ENDPOINTS, ""]),
    name=names,
    body=st.binary(max_size=4),
    version=names,
    needs=st.frozensets(references, max_size=3),
)
snapshots = st.lists(resources, max_size=5, unique_by=lambda r: (r.type_url, r.name)).map(snapshot)


@settings(max_examples=40)
@given(own=snapshots, services=st.dictionaries(names, snapshots, max_size=2))
def test_any_snapshot_comes_back(
    tmp_path_factory: pytest.TempPathFactory, own: Snapshot, services: dict[str, Snapshot]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    build = replace(numbered(1), snapshot=own, services=services)
    Store(folder).publish(build)
    store = Store(folder)
    assert store.published() == build
    store.hold("a", {t: (group,) for t, group in own.resources.items()})
    held = Store(folder).holding("a")
    assert held == {t: tuple(group.values()) for t, group in own.resources.items()}


def test_what_is_unchanged_is_not_written_again(opened: Opened, tmp_path: Path) -> None:
    opened().publish(numbered(1))
    before = files(tmp_path)
    opened().publish(numbered(2))
    after = files(tmp_path)
    again = {name for name in before if before[name] != after[name]}
    assert again == {"store/published"}
    new = sorted(name.split("/")[1] for name in after.keys() - before.keys())
    assert new == ["builds", "objects", "objects", "published.before", "sets", "sets"]


def test_files_are_the_owners_alone(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o755)
    store = opened()
    store.publish(numbered(1))
    store.publish(numbered(2))
    store.hold("a", layers(1))
    for path in (tmp_path / "store").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700


def test_a_secret_is_not_on_the_disk(opened: Opened, tmp_path: Path) -> None:
    secret = made(SECRET, "tls", "s3cret")
    user = made(LISTENER, "l", "l", Reference(SECRET, "tls"))
    own = snapshot([secret, user])
    store = opened()
    store.publish(replace(numbered(1), snapshot=own))
    store.hold("a", {t: (group,) for t, group in own.resources.items()})
    sets = b"".join(map(plain, (tmp_path / "store" / "sets").iterdir()))
    assert b'"tls",' in sets
    assert SECRET.encode() in sets
    assert b"s3cret" not in map(plain, (tmp_path / "store" / "objects").iterdir())
    build = store.published()
    assert build is not None
    assert build.snapshot == snapshot([user])  # and its version says that it is another
    assert store.holding("a") == {LISTENER: (user,)}
    assert store.find(SECRET, "tls", secret.version) is None


def test_versions_of_before_are_found_with_what_they_need(opened: Opened) -> None:
    store = opened()
    for number in (1, 2, 3):
        store.publish(numbered(number))
    for one in (store, opened()):
        assert one.find(CLUSTER, "a", "a1") == cluster(1)
        assert one.find(CLUSTER, "a", "a4") is None
        assert one.find(ENDPOINTS, "a", "a1") is None


@pytest.mark.parametrize(
    "node", ["", "a\nb", "\0", '"', "ä" * 256, "\U0001f680", "\ud800", " ", "a b"]
)
def test_a_node_is_called_anything(opened: Opened, node: str) -> None:
    opened().hold(node, layers(1, 2))
    held = opened().holding(node)
    assert {t: set(found) for t, found in held.items()} == {CLUSTER: {cluster(1), cluster(2)}}
    assert opened().holding(node + "x") == {}


def test_the_last_word_counts_and_each_version_is_told_once(opened: Opened) -> None:
    store = opened()
    store.hold("a", layers(1, 2))
    store.hold("b", layers(1))
    store.hold("a", {CLUSTER: (world(2).of(CLUSTER), world(2).of(CLUSTER), {}), LISTENER: ({},)})
    for one in (store, opened()):
        assert one.holding("a") == {CLUSTER: (cluster(2),)}
        assert one.holding("b") == {CLUSTER: (cluster(1),)}
    store.hold("a", {})
    assert store.holding("a") == opened().holding("a") == {}


def test_a_node_that_holds_the_same_costs_no_line(opened: Opened, tmp_path: Path) -> None:
    clock = Clock()
    store = opened(clock=clock)
    journal = tmp_path / "store" / "journal"
    store.hold("a", layers(1))
    size = journal.stat().st_size
    store.hold("a", layers(1))
    assert journal.stat().st_size == size
    clock.now += 2 * HOUR
    store.hold("a", layers(1))  # else it would be forgotten a week after it came
    assert journal.stat().st_size > size


def test_nodes_are_remembered_for_a_week(opened: Opened) -> None:
    clock = Clock()
    store = opened(clock=clock)
    store.hold("a", layers(1))
    clock.now += 6 * DAY
    store.hold("b", layers(2))
    assert store.holding("a") == {CLUSTER: (cluster(1),)}
    clock.now += 1 * DAY
    for one in (store, opened(clock=clock)):
        assert one.holding("a") == {}
        assert one.holding("b") == {CLUSTER: (cluster(2),)}


def test_the_oldest_nodes_leave(opened: Opened) -> None:
    bounds = Bounds(nodes=2)
    store = opened(bounds=bounds)
    store.hold("a", layers(1))
    store.hold("b", layers(1))
    store.hold("a", layers(2))
    store.hold("c", layers(1))
    for one in (store, opened(bounds=bounds)):
        assert [bool(one.holding(node)) for node in "abc"] == [True, False, True]


def test_what_nobody_names_is_removed(opened: Opened, tmp_path: Path) -> None:
    clock = Clock()
    store = opened(clock=clock, bounds=Bounds(sets=20, journal=1_000))
    folder = tmp_path / "store"
    (folder / "objects" / ".new-killed").write_bytes(b"")
    (folder / ".new-killed").write_bytes(b"")
    (folder / "objects" / "foreign").write_bytes(b"")
    store.hold("old", layers(77))
    clock.now += 7 * DAY
    store.hold("here", layers(78))
    for number in range(1, 12):
        store.publish(numbered(number))
    there = {p.read_bytes() for p in (folder / "objects").iterdir() if p.name != "foreign"}
    assert {b"a78", b"a10", b"a11", b"p11", b"same"} <= there
    assert b"a77" not in there
    assert len(there) < 24
    assert store.published() == numbered(11)
    assert store.holding("here") == opened(clock=clock).holding("here") == {CLUSTER: (cluster(78),)}
    assert store.find(CLUSTER, "a", "a77") is None
    assert "foreign" in os.listdir(folder / "objects")  # noqa: PTH208 # names
    assert not list(folder.rglob(".new-*"))
    assert (folder / "journal").stat().st_size < 500


def test_the_journal_stays_small(opened: Opened, tmp_path: Path) -> None:
    store = opened(bounds=Bounds(journal=1_000))
    for number in range(100):
        store.hold("a", layers(number % 2))
        assert (tmp_path / "store" / "journal").stat().st_size < 2_000
    assert store.holding("a") == opened().holding("a") == {CLUSTER: (cluster(1),)}


def test_two_share_a_folder(opened: Opened) -> None:
    """Each removes what is not needed, and neither loses what the other wrote."""
    one, two = (opened(bounds=Bounds(sets=5, journal=700)) for _ in range(2))
    for number in range(1, 16):
        one.publish(numbered(number))
        two.hold("a", layers(number))
        assert one.holding("a") == {CLUSTER: (cluster(number),)}
        two.publish(numbered(1_000 + number))
        one.hold("b", layers(1_000))
        assert one.published() == two.published() == numbered(1_000 + number)
        assert two.holding("b") == {CLUSTER: (cluster(1_000),)}


def test_nothing_is_removed_under_a_publish_that_takes_long(opened: Opened) -> None:
    """Others remove what nobody names while a publish waits for the disk: it begins anew."""
    store, other = opened(), opened(bounds=Bounds(sets=0))
    files_of = store._catalogue  # noqa: SLF001 # the moment between two locks is seen from nowhere else
    slow, moments = files_of.sync, [1, 2]

    def beside(sets: Iterable[str]) -> None:
        if moments:
            other.hold("a", layers(moments.pop()))  # writes a set, and so removes others
        slow(sets)

    files_of.sync = beside  # type: ignore[method-assign] # as above
    store.publish(numbered(5))
    assert not moments
    assert store.published() == opened().published() == numbered(5)


def test_mappings_whose_memory_is_reused_are_told_apart(opened: Opened) -> None:
    store = opened(bounds=Bounds(cache=1))
    for number in range(200):
        store.hold("a", layers(number))
        assert store.holding("a") == {CLUSTER: (cluster(number),)}


def test_a_build_without_resources_is_a_build(opened: Opened) -> None:
    build = replace(numbered(1), snapshot=None, services={})
    opened().publish(build)
    assert opened().published() == build


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(StoreError, match=r"file: this cannot be used as a store: file exists"):
        Store(file)
    with pytest.raises(StoreError, match="not a directory"):
        Store(file / "below")
