"""What a version decides by is answered for as long as somebody may ask."""

from dataclasses import replace
from pathlib import Path

from controlplane.history.history import History
from controlplane.history.retention import DAY, Retention
from controlplane.snapshot import CLUSTER, ROUTES, Snapshot, snapshot
from controlplane.store.bounds import Bounds
from controlplane.store.store import Store
from protos import EXTAUTHZ, LIMITS, PIPELINE, RATELIMIT
from tests.controlplane.history.noted import note
from tests.controlplane.history.opened import Opened
from tests.controlplane.store.clock import Clock
from tests.controlplane.store.numbered import made, numbered, plain


def world(number: int) -> tuple[Snapshot, Snapshot, Snapshot]:
    own = snapshot([made(CLUSTER, "a", "same"), made(ROUTES, "t", f"t{number}")])
    pipelines = snapshot([made(PIPELINE, f"hash-{number}", f"p{number}")])
    return own, pipelines, snapshot([made(LIMITS, "all", f"l{number}")])


def published(mine: History, number: int) -> None:
    own, pipelines, limited = world(number)
    services = {EXTAUTHZ: pipelines, RATELIMIT: limited}
    build = replace(numbered(number), snapshot=own, services=services)
    mine.record(build, note(number))


def test_policies_are_answered_for_a_week_after_they_were_replaced(
    opened: Opened, clock: Clock
) -> None:
    mine = opened()
    for number in (1, 2, 3):
        published(mine, number)
        clock.now += DAY
    assert list(mine.policies(clock.now)) == ["hash-1", "hash-2", "hash-3"]
    assert [r.body for r in mine.limits(clock.now)] == [b"l1", b"l2", b"l3"]
    clock.now += 5 * DAY  # the first was replaced 7 days ago, the second 6
    assert list(opened().policies(clock.now)) == ["hash-2", "hash-3"]
    mine.settle(2, "rejected", {})
    assert [r.body for r in mine.limits(clock.now)] == [b"l3"]
    clock.now += 900 * DAY
    assert list(mine.policies(clock.now)) == ["hash-3"]


def test_a_node_with_an_old_table_has_its_policies(
    opened: Opened, tmp_path: Path, clock: Clock
) -> None:
    mine = opened(Retention(versions=1, least=1, young=0, every=1))
    store = Store(tmp_path, clock=clock)
    for number in (1, 2, 3, 4):
        published(mine, number)
        clock.now += 8 * DAY
    old = world(2)[0]
    store.hold("away", {t: (group,) for t, group in old.resources.items()})
    for number in (5, 6, 7):
        published(mine, number)
        clock.now += 1
    assert list(mine.policies(clock.now)) == [f"hash-{n}" for n in (2, 4, 5, 6, 7)]
    clock.now += 7 * DAY
    assert list(mine.policies(clock.now)) == ["hash-7"]
    store.close()


def test_retention_takes_no_policy_that_is_still_to_be_answered(
    opened: Opened, tmp_path: Path, clock: Clock
) -> None:
    mine = opened(Retention(bytes=1, every=1), Bounds(sets=1))
    store = Store(tmp_path, clock=clock)
    published(mine, 1)
    clock.now += 8 * DAY
    store.hold("away", {t: (group,) for t, group in world(1)[0].resources.items()})
    for number in range(2, 8):
        published(mine, number)
    assert len(mine.versions()) < 4
    assert [*mine.policies(clock.now)] == [f"hash-{n}" for n in range(1, 8)]
    assert {f"p{n}".encode() for n in range(1, 8)} == {
        r.body for r in opened().policies(clock.now).values()
    }
    clock.now += 7 * DAY
    published(mine, 8)
    published(mine, 9)
    assert [*mine.policies(clock.now)] == ["hash-7", "hash-8", "hash-9"]
    assert b"p1" not in {plain(p) for p in (tmp_path / "objects").iterdir()}
    store.close()
