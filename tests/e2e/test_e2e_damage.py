"""What a bug of ours would send to three Envoys, under load: it stays behind alone, and is told.

Each kind is compiled into the gateway together with a change elsewhere, which goes live.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from controlplane.compile.standing import NO_HOST
from controlplane.gate.verdicts import lines_of
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, Subject
from language.places import Place
from tests.controlplane.gate.damage.corpus import DAMAGES
from tests.controlplane.gate.damage.damage import Damage
from tests.controlplane.gate.damage.example import front, host
from tests.controlplane.gate.damage.of_snapshots import OF_SNAPSHOTS
from tests.e2e.damaged import API, ASKED, ORDERS_HOST, Asked, Stand, standing
from tests.e2e.ledger import Ledger, running, wait_for_more

pytestmark = pytest.mark.xdist_group("damage")

WHOLE = {
    "host-without-domains": "whose routes they are, nobody knows",
    "domain-with-a-star-in-the-middle": "whose routes they are, nobody knows",
    "two-hosts-of-one-name": "a part has no name of its own",
    "domain-twice": "as it was, a host would take what another has",
    "table-without-hosts": "the table is wrong as a whole",
    "table-that-compares-ports": "the table is wrong as a whole",
    "auth-off-for-the-table": "the table is wrong as a whole",
    "table-for-a-filter-that-is-not": "the table is wrong as a whole",
    "table-in-pieces": "the table is wrong as a whole",
    "table-lost": "the table is wrong as a whole",
    "service-lost": "all that is guarded goes to it",
    "resource-of-no-envoy": "it is of no kind that has a last good",
    "scope-of-another-key": "it is of no kind that has a last good",
    "scope-of-no-table": "it is of no kind that has a last good",
    "table-of-nobody": "it is no part of a table that is served",
    "route-lost-of-a-prefix": "where it was there is nothing to put its last good in",
    "route-lost-of-an-answer": "where it was there is nothing to put its last good in",
    "route-lost-of-a-method": "where it was there is nothing to put its last good in",
}
"""Damage of what cannot stay behind alone, and why: then all stays as it was."""

LISTENER_ALONE = {"headers-too-large", "mapper-of-nothing", "two-listeners", "table-after-listener"}
"""Damage of a listener that has no say in who may pass: it stays, and the rest goes on."""


def whole_listener(damage: Damage) -> bool:
    """Whether routes may rely on what is other in the listener: then all stays as it was."""
    return damage.blamed.type_url == LISTENER and damage.name not in LISTENER_ALONE


NEVER_GOOD = (
    ("regex-broken", 'path: "/users/{id}"', 0),
    ("no-match", "path: /users,", 1),
    ("timeout-negative", "path: /users,", 1),
    ("prefix-that-ends-in-a-slash", "path: /search/", 3),
    ("weights-of-nothing", "path: /mixed", 4),
    ("setting-of-another-filter", "path: /secure/", 5),
    ("auth-lost", "path: /named", 6),
    ("status-that-is-none", "path: /up", 7),
    ("redirect-broken", 'path: "/old/', 8),
    ("auth-in-pieces", "path: /orders/", 9),
    ("auth-optional", "path: /orders/", 9),
)
"""Damage to a route that is new with it: the start of its line, and who asks for it."""

PROVE = bool(os.environ.get("FOREGATE_PROVE"))
BROUGHT = DAMAGES if PROVE else (*DAMAGES[: -len(OF_SNAPSHOTS)][::2], *OF_SNAPSHOTS)
"""All kinds take longer: FOREGATE_PROVE=1 brings them."""

BY_NAME = {damage.name: damage for damage in DAMAGES}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with standing(tmp_path_factory.mktemp("damage")) as made:
        yield made


@pytest.fixture(scope="module")
def books(stand: Stand) -> Iterator[Sequence[tuple[Asked, Ledger]]]:
    """What is asked from the first damage to the last."""
    stand.save()
    assert stand.bring().state == "live"
    with ExitStack() as held:
        made = [(asked, held.enter_context(running(stand.load(asked)))) for asked in ASKED]
        yield made
    nothing_failed(stand, made)


def nothing_failed(stand: Stand, books: Sequence[tuple[Asked, Ledger]]) -> None:
    """No request got another answer, but those that Envoy itself counts as a late service's."""
    failed = {a: b.statuses() - Counter({a.status: len(b)}) for a, b in books}
    assert not {
        a: found for a, found in failed.items() if set(found) - {503} or (found and not a.served)
    }
    late = sum(found.total() for found in failed.values())
    assert not late or late <= stand.late(), failed


def nobody_refused(stand: Stand) -> None:
    """No node ever heard of what was damaged."""
    nodes = stand.page()["nodes"]
    assert len(nodes) == 5
    assert all(node["state"] == "live" for node in nodes)
    assert all(t["nackedAgo"] is None for node in nodes for t in node["types"].values())


def blamed(stand: Stand, damage: Damage) -> Subject:
    """The part by its name here: a listener is called after its port."""
    chosen = stand.control.chosen
    assert chosen is not None
    assert chosen.build.snapshot is not None
    if damage.blamed.type_url == LISTENER and damage.blamed.name != "zzz":
        return Subject(LISTENER, front(chosen.build.snapshot))
    return damage.blamed


def stays_with(subject: Subject) -> Subject:
    """What stays behind for a part: endpoints with their cluster, what is ours with its host."""
    if subject.type_url == ENDPOINTS:
        return Subject(CLUSTER, subject.name)
    own, _, rule = subject.part.partition("/")
    return subject._replace(part=own) if rule == NO_HOST else subject


def place(stand: Stand, subject: Subject) -> Place:
    """Where it is told: at its first line, or where it has none, at the start."""
    chosen = stand.control.chosen
    assert chosen is not None
    origin = Place(str(stand.fleet.files / "gateway.yaml"), 1, 1)
    return (*lines_of(subject, chosen.build.provenance), origin)[0]


def shown(subject: Subject) -> str:
    return f"{subject.name}/{subject.part}" if subject.part else subject.name


@pytest.mark.parametrize(("name", "line", "number"), NEVER_GOOD, ids=[n for n, *_ in NEVER_GOOD])
def test_what_never_was_good_is_closed(stand: Stand, name: str, line: str, number: int) -> None:
    """It answers itself, and no request falls to the open route behind it."""
    damage, asked = BY_NAME[name], ASKED[number]
    stand.save(line, opened=True)
    assert stand.bring().state == "live"
    assert stand.get(asked).status_code == 200
    other = ASKED[11]
    with running(stand.load(asked)) as book, running(stand.load(other)) as others:
        wait_for_more(book, 1)
        stand.save(opened=True)
        result = stand.bring(damage)
        assert result.state == "live"
        assert place(stand, damage.blamed) in [one.place for one in result.mistakes]
        assert [stand.has(host) for host in (API, ORDERS_HOST)] == [[True] * 3] * 2
        closed = {k.subject: k.state for k in stand.control.applier.served.kept}
        assert closed == {damage.blamed: "closed"}
        before = len(book)
        wait_for_more(book, 4)
        assert {one.status for one in list(book)[before + 1 :]} == {503}
        answer = stand.get(asked)
        rule = damage.blamed.part.partition("/")[2]
        assert (answer.status_code, answer.json()["rule"]) == (503, rule)
        nobody_refused(stand)
        assert stand.bring().state == "live"
        assert stand.get(asked).status_code == asked.status
        assert stand.control.applier.served.kept == ()
    nothing_failed(stand, [(other, others)])
    assert set(book.statuses()) <= {200, 503, asked.status}


@pytest.mark.parametrize("damage", BROUGHT, ids=lambda damage: damage.name)
def test_damage(stand: Stand, books: Sequence[tuple[Asked, Ledger]], damage: Damage) -> None:
    served = stand.control.applier.served.content
    stand.save()
    result = stand.bring(damage)
    at = blamed(stand, damage)
    assert place(stand, at) in [one.place for one in result.mistakes]
    kept = stand.control.applier.served.kept
    if damage.name in WHOLE or whole_listener(damage):
        assert (result.state, kept) == ("refused", ())
        assert stand.control.applier.served.content == served
        assert [stand.has(host) for host in (API, ORDERS_HOST)] == [[False] * 3] * 2
    else:
        assert result.state == "live"
        part = stays_with(at)
        new = "closed" if place(stand, at).line == 1 else "last good"
        assert {k.subject: k.state for k in kept}[part] == new
        assert all(k.state == "last good" for k in kept if k.subject != part)
        assert stand.has(ORDERS_HOST) == [True] * 3
        assert stand.has(API) == [part != host(API)] * 3
    assert {one["part"] for one in stand.page()["served"]["kept"]} == {
        shown(k.subject) for k in kept
    }
    for asked in ASKED:
        answer = stand.get(asked)
        assert answer.status_code == asked.status, (answer.text, answer.headers)
    nobody_refused(stand)
    assert stand.bring().state in {"live", "unchanged"}
    assert stand.control.applier.served.kept == ()
    assert [stand.has(host) for host in (API, ORDERS_HOST)] == [[True] * 3] * 2
    nothing_failed(stand, books)


def test_what_stays_behind_is_shown_also_where_nothing_else_has_changed(stand: Stand) -> None:
    damage = BY_NAME["regex-broken"]
    stand.save()
    assert stand.bring().state == "live"
    number = stand.control.applier.served.number
    for _ in range(2):
        assert stand.bring(damage).state == "unchanged"
        assert [k.subject for k in stand.control.applier.served.kept] == [damage.blamed]
        assert [one["part"] for one in stand.page()["served"]["kept"]] == [shown(damage.blamed)]
    assert stand.bring().state == "unchanged"
    assert stand.control.applier.served.kept == ()
    assert stand.control.applier.served.number == number
