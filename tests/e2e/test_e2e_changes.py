"""Saves that change what the services judge, under load, and a client keeps the book.

Once a save is logged as live, nothing is judged by the one before it. Until then nothing passes
that neither would let pass; it may be refused by a mix of both, as consumers come before pipelines.
And through all of it: an answer to every request, and none that says that we are at fault.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from jwt.algorithms import OKPAlgorithm

from tests.e2e.fleet import Fleet, hash_of
from tests.e2e.ledger import Credential, Ledger, Load, running, wait_for_more

pytestmark = pytest.mark.xdist_group("changes")

ED = ed25519.Ed25519PrivateKey.generate()
JWK = {**OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True), "kid": "ed", "use": "sig"}
ISSUER = "https://own.example"
CLAIMS = {"iss": ISSUER, "aud": "shop", "sub": "ann", "scope": "read", "exp": 4_000_000_000}
TOKEN = jwt.encode(CLAIMS, ED, "EdDSA", headers={"kid": "ed"})
ACME, NEW, BOB = (f"fg_{name}_0123456789abcdef" for name in ("acme", "new", "bob"))
PEOPLE = {
    "acme": {"x-api-key": ACME},
    "new": {"x-api-key": NEW},
    "bob": {"x-api-key": BOB},
    "ann": {"authorization": f"Bearer {TOKEN}"},
    "nobody": {},
}
MOMENT = 0.1
"""Seconds after "live" for its line to be read, and for Envoy's workers to have their routes."""

SEEN = 50
"""How many answers of each path are looked at between two saves."""


@dataclass(frozen=True, kw_only=True)
class State:
    """A gateway file; `guarded` and `door` are the statuses that its two routes give, by person."""

    acme: str = ACME
    bob: bool = False
    auth: str = "keys"
    door_auth: str = "none"
    limits: str = ""
    guarded: Mapping[str, int] = field(default_factory=dict)
    door: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        limits = f"limits: {self.limits}, " if self.limits else ""
        bob = f'  bob: {{key: "{hash_of(BOB)}"}}' if self.bob else ""
        return f"""\
version: 1
listen: {{http: "127.0.0.1:@http@"}}
identities:
  own: {{issuer: "{ISSUER}", audience: shop, jwks: {{"keys": [{JWK}]}}}}
  keys: {{apiKey: {{header: x-api-key}}}}
consumers:
  acme: {{keys: [{{hash: "{hash_of(self.acme)}", scopes: [read]}}]}}
{bob}
backends: {{echo: "http://127.0.0.1:@echo@"}}
routes:
  - {{path: /guarded, auth: {self.auth}, to: echo}}
  - {{path: /door, auth: {self.door_auth}, to: echo}}
  - {{path: /spare, auth: own, to: echo}}
  - {{path: /limited, auth: none, {limits}to: echo}}
  - {{path: /last, auth: none, limits: [{{per: ip, rate: 1M/h}}], to: echo}}
"""  # the brake would hold a version that has no limit any more


def only(*passing: str, other: int = 401, **different: int) -> dict[str, int]:
    """Who passes, who gets what else, and what all others get."""
    return {name: 200 if name in passing else different.get(name, other) for name in PEOPLE}


START = State(guarded=only("acme"), door=only(*PEOPLE))
BOTH = "{anyOf: [own, keys], scopes: [read]}"
CHANGES: Sequence[tuple[str, State]] = (
    ("a scope that acme has", replace(START, auth="{anyOf: [keys], scopes: [read]}")),
    (
        "a scope that it lacks",
        replace(START, auth="{anyOf: [keys], scopes: [write]}", guarded=only(acme=403)),
    ),
    ("no scope", START),
    ("a new consumer", replace(START, bob=True, guarded=only("acme", "bob"))),
    (
        "the scope again",
        replace(
            START, bob=True, auth="{anyOf: [keys], scopes: [read]}", guarded=only("acme", bob=403)
        ),
    ),
    (
        "another identity",
        replace(START, bob=True, auth=BOTH, guarded=only("acme", "ann", bob=403)),
    ),
    ("one identity less", replace(START, bob=True, auth="own", guarded=only("ann"))),
    (
        "auth for the open route",
        replace(
            START,
            bob=True,
            auth="own",
            guarded=only("ann"),
            door_auth="keys",
            door=only("acme", "bob"),
        ),
    ),
    (
        "a consumer less",
        replace(START, auth=BOTH, guarded=only("acme", "ann"), door_auth="keys", door=only("acme")),
    ),
    (
        "another key for acme",
        replace(
            START,
            acme=NEW,
            auth=BOTH,
            guarded=only("new", "ann"),
            door_auth="keys",
            door=only("new"),
        ),
    ),
    (
        "a consumer less and one more",
        replace(START, bob=True, guarded=only("acme", "bob"), door_auth="own", door=only("ann")),
    ),
    ("as it was", START),
)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("fleet"), START.text())
    made.start("redis", "controlplane", "extauthz", "ratelimit", "envoy")
    try:
        made.running["controlplane"].wait_for('"live"')
        for path in ("/guarded", "/limited"):
            made.answers(path, 200, headers=PEOPLE["acme"])
        yield made
    finally:
        codes = made.end()
    assert set(codes.values()) == {0}, (codes, made.said)


@contextmanager
def loaded(fleet: Fleet, *paths: str) -> Iterator[dict[str, Ledger]]:
    """Everybody asks for each path all the time; whatever happens, all get an answer of a kind."""
    everybody = [Credential(kind=k, may_pass=True, headers=h) for k, h in PEOPLE.items()]
    load = Load(host="127.0.0.1", port=fleet.ports["http"], credentials=everybody, rate=100)
    with ExitStack() as sending:
        books = {
            path: sending.enter_context(running(replace(load, path=path, connections=8)))
            for path in paths
        }
        yield books
    for path, book in books.items():
        assert not book.lost(), (path, book.lost())
        assert {s for s in book.statuses() if s >= 500} == set(), (path, book.statuses())


def seen(books: Mapping[str, Ledger]) -> None:
    """Wait until everybody has asked for each path a few times more."""
    wanted = {path: len(book) + SEEN for path, book in books.items()}
    for path, book in books.items():
        wait_for_more(book, wanted[path] - len(book))


def found(book: Ledger, begin: float, end: float) -> dict[str, set[int]]:
    """The statuses that each got in this time."""
    now = book.between(begin, end)
    return {name: set(now.of(name).statuses()) for name in PEOPLE}


def test_who_may_pass_changes_with_the_save_and_nobody_is_lost(fleet: Fleet) -> None:
    with loaded(fleet, "/guarded", "/door") as books:
        before, live = START, time.monotonic()
        seen(books)
        for what, after in CHANGES:
            saved = time.monotonic()
            fleet.apply(after.text())
            now = time.monotonic()
            seen(books)
            for path, old, new in (
                ("/guarded", before.guarded, after.guarded),
                ("/door", before.door, after.door),
            ):
                was = found(books[path], live + MOMENT, saved)
                assert was == {name: {status} for name, status in old.items()}, (what, path)
                during = found(books[path], saved, now + MOMENT)
                for name, statuses in during.items():
                    assert statuses <= {200, 401, 403}, (what, path, name)
                    assert 200 not in statuses or 200 in {old[name], new[name]}, (what, path, name)
            before, live = after, now
        seen(books)
        ended = found(books["/guarded"], live + MOMENT, time.monotonic())
        assert ended == {name: {status} for name, status in START.guarded.items()}


WIDE, TIGHT = "[{per: route, rate: 1M/h, burst: 1000000}]", "[{per: route, rate: 1/h, burst: 1}]"


def test_limits_change_with_the_save_and_nobody_is_lost(fleet: Fleet) -> None:
    """A counter outlives its limit: of each time that it is tight, one request passes at most."""
    with loaded(fleet, "/limited", "/guarded") as books:
        for limits in (WIDE, TIGHT, WIDE, TIGHT, "", TIGHT, "", WIDE, ""):
            fleet.apply(replace(START, limits=limits).text())
            live = time.monotonic() + MOMENT
            seen(books)
            got = books["/limited"].between(live, time.monotonic()).statuses()
            if limits == TIGHT:
                assert got.keys() <= {200, 429}, limits
                assert got[200] <= 1, limits
                assert got[429] > 10, limits
            else:
                assert got.keys() == {200}, limits
            others = books["/guarded"].of("acme")
            assert set(others.between(live, time.monotonic()).statuses()) == {200}
