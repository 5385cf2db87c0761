"""The rules of LANGUAGE, *Auth*, one row each: which identity decides, and what is answered."""

from dataclasses import replace

import pytest

from decision.ask import Answer, Ask, Holder, HolderOf, KeysOf, Missing, Question
from decision.principal import Principal
from decision.verdict import Verdict
from policies.auth.check import decide
from tests.policies.auth_check.minting import (
    IDP,
    KEYS,
    NOW,
    PARTNER,
    api_key,
    bearer,
    decided,
    holder_of,
    issuer_keys,
    known,
    partner_token,
    pipeline,
    request,
    signer,
)

GOOD = bearer(signer().token())
BAD = bearer(signer().token({"exp": 1}))
FOREIGN = bearer(signer().token({"iss": "https://foreign.example"}))
OF_PARTNER = bearer(partner_token())
BAD_OF_PARTNER = bearer(signer("partner", "EdDSA").token({"iss": PARTNER.issuer, "aud": "else"}))
NOT_A_TOKEN = bearer(b"abc")
BASIC = ("authorization", b"Basic YTpi")
KEY = api_key(b"acme-key")
BAD_KEY = api_key(b"bob-key")
EMPTY_KEY = api_key(b"")


JWT = (IDP,)
JWT_KEY = (IDP, KEYS)
KEY_JWT = (KEYS, IDP)
TWO = (IDP, PARTNER)
MIXED = (IDP, KEYS, PARTNER)

ANY_OF = [
    # identities, headers, who passes or status and reason
    (JWT, [GOOD], "alice"),
    (JWT, [], (401, "no_credentials")),
    (JWT, [BASIC], (401, "no_credentials")),
    (JWT, [BASIC, KEY], (401, "no_credentials")),
    (JWT, [KEY], (401, "no_credentials")),
    (JWT, [BAD], (401, "expired")),
    (JWT, [FOREIGN], (401, "wrong_issuer")),
    (JWT, [NOT_A_TOKEN], (401, "malformed_token")),
    (JWT, [bearer(b"")], (401, "malformed_token")),
    (JWT, [("authorization", b"Bearer")], (401, "malformed_token")),
    (JWT, [("authorization", b"")], (401, "no_credentials")),
    (JWT, [("authorization", b"bEARER   " + signer().token() + b" ")], "alice"),
    (JWT, [("authorization", b"Bearer" + signer().token())], (401, "no_credentials")),
    (JWT, [("authorization", signer().token())], (401, "no_credentials")),
    (JWT, [("authorization", b'Digest a="b", c="d"')], (401, "no_credentials")),
    (JWT_KEY, [("authorization", b'Digest a="b", c="d"'), KEY], "acme"),
    (JWT, [("authorization", b"\xff\xfe")], (401, "no_credentials")),
    (JWT, [bearer(b"\xff.\xff.\xff")], (401, "malformed_token")),
    (JWT, [("x-authorization", GOOD[1])], (401, "no_credentials")),
    (JWT_KEY, [KEY], "acme"),
    (JWT_KEY, [GOOD, KEY], "alice"),
    (JWT_KEY, [KEY, GOOD], "alice"),
    (JWT_KEY, [BAD, KEY], (401, "expired")),
    (JWT_KEY, [FOREIGN, KEY], (401, "wrong_issuer")),
    (JWT_KEY, [NOT_A_TOKEN, KEY], (401, "malformed_token")),
    (JWT_KEY, [BASIC, KEY], "acme"),
    (JWT_KEY, [GOOD, BAD_KEY], "alice"),
    (JWT_KEY, [BAD_KEY], (401, "unknown_api_key")),
    (JWT_KEY, [EMPTY_KEY], (401, "no_credentials")),
    (JWT_KEY, [EMPTY_KEY, GOOD], "alice"),
    (KEY_JWT, [GOOD, KEY], "acme"),
    (KEY_JWT, [GOOD, BAD_KEY], (401, "unknown_api_key")),
    (KEY_JWT, [GOOD, EMPTY_KEY], "alice"),
    (KEY_JWT, [FOREIGN, KEY], "acme"),
    (KEY_JWT, [FOREIGN], (401, "wrong_issuer")),
    ((KEYS,), [GOOD], (401, "no_credentials")),
    ((KEYS,), [NOT_A_TOKEN, KEY], "acme"),
    ((KEYS,), [api_key(b" acme-key\t")], "acme"),
    ((KEYS,), [api_key(b"acme-key,acme-key")], (401, "unknown_api_key")),
    ((KEYS,), [api_key(b"\xff" * 60_000)], (401, "unknown_api_key")),
    (TWO, [GOOD], "alice"),
    (TWO, [OF_PARTNER], "bob"),
    (TWO, [BAD_OF_PARTNER], (401, "wrong_audience")),
    (MIXED, [OF_PARTNER, KEY], "acme"),
    (MIXED, [OF_PARTNER, BAD_KEY], (401, "unknown_api_key")),
    (MIXED, [BAD_OF_PARTNER, KEY], "acme"),
    (MIXED, [FOREIGN, KEY], (401, "wrong_issuer")),
    (MIXED, [OF_PARTNER], "bob"),
    # two of a kind
    (JWT, [GOOD, GOOD], (400, "two_credentials")),
    (JWT, [GOOD, BASIC], (400, "two_credentials")),
    # as Envoy's codec joins them
    (JWT, [("authorization", GOOD[1] + b"," + GOOD[1])], (400, "two_credentials")),
    (JWT, [("authorization", GOOD[1] + b", Basic YTpi")], (400, "two_credentials")),
    (JWT, [("authorization", b"Basic YTpi,bearer a.b.c")], (400, "two_credentials")),
    (KEY_JWT, [("authorization", GOOD[1] + b","), KEY], (400, "two_credentials")),
    (KEY_JWT, [("authorization", b"," + GOOD[1]), KEY], (400, "two_credentials")),
    ((KEYS,), [("authorization", GOOD[1] + b"," + GOOD[1]), KEY], "acme"),
    (JWT_KEY, [GOOD, KEY, KEY], (400, "two_credentials")),
    (JWT_KEY, [KEY, EMPTY_KEY], (400, "two_credentials")),
    ((KEYS,), [KEY, BAD_KEY], (400, "two_credentials")),
    ((KEYS,), [KEY, GOOD, GOOD], "acme"),
    (JWT, [GOOD, KEY, KEY], "alice"),
    ((), [GOOD, KEY], (401, "no_credentials")),
]

ALL_OF = [
    (JWT_KEY, [GOOD, KEY], "alice"),
    (KEY_JWT, [GOOD, KEY], "acme"),
    (JWT_KEY, [GOOD], (401, "no_credentials")),
    (JWT_KEY, [KEY], (401, "no_credentials")),
    (JWT_KEY, [GOOD, BAD_KEY], (401, "unknown_api_key")),
    (JWT_KEY, [BAD, KEY], (401, "expired")),
    (JWT_KEY, [BAD, BAD_KEY], (401, "expired")),
    (JWT_KEY, [FOREIGN, KEY], (401, "wrong_issuer")),
    (JWT_KEY, [GOOD, GOOD, KEY], (400, "two_credentials")),
    (TWO, [GOOD], (401, "no_credentials")),
    (TWO, [OF_PARTNER], (401, "no_credentials")),
    ((KEYS, replace(KEYS, name="more")), [KEY], (401, "unknown_api_key")),
    ((), [GOOD, KEY], (401, "no_credentials")),
]


def told(verdict: Verdict) -> object:
    """Who passes, or status and reason."""
    if verdict.principal:
        return verdict.principal.name
    return verdict.status, verdict.reason


@pytest.mark.parametrize(("identities", "headers", "expected"), ANY_OF)
def test_any_of(identities: tuple, headers: list, expected: object) -> None:  # type: ignore[type-arg]
    assert told(decided(request(*headers), pipeline(*identities))) == expected


@pytest.mark.parametrize(("identities", "headers", "expected"), ALL_OF)
def test_all_of(identities: tuple, headers: list, expected: object) -> None:  # type: ignore[type-arg]
    assert told(decided(request(*headers), pipeline(*identities, every=True))) == expected


def test_the_principal_of_a_token() -> None:
    verdict = decided(request(GOOD), pipeline(*JWT_KEY))
    assert verdict.principal == Principal(
        identity="idp", issuer=IDP.issuer, subject="alice", scopes=("orders:read", "profile")
    )


def test_the_principal_of_a_key() -> None:
    verdict = decided(request(KEY), pipeline(*JWT_KEY))
    assert verdict.principal == Principal(identity="keys", consumer="acme", scopes=("orders:read",))


def test_the_first_of_all_is_the_principal_and_the_key_beside_it_names_the_consumer() -> None:
    verdict = decided(request(GOOD, KEY), pipeline(*JWT_KEY, every=True))
    assert verdict.principal == Principal(
        identity="idp",
        issuer=IDP.issuer,
        subject="alice",
        consumer="acme",
        scopes=("orders:read", "profile"),
    )


@pytest.mark.parametrize(
    ("identities", "every", "headers", "scopes", "expected"),
    [
        (JWT, False, [GOOD], ("orders:read",), "alice"),
        (JWT, False, [GOOD], ("orders:read", "profile"), "alice"),
        (JWT, False, [GOOD], ("orders:read", "orders:write"), (403, "insufficient_scope")),
        (JWT, False, [GOOD], ("orders",), (403, "insufficient_scope")),
        (JWT, False, [GOOD], ("ORDERS:READ",), (403, "insufficient_scope")),
        (JWT_KEY, False, [KEY], ("orders:read",), "acme"),
        (JWT_KEY, False, [KEY], ("profile",), (403, "insufficient_scope")),
        (JWT, False, [BAD], ("orders:write",), (401, "expired")),
        (JWT, False, [], ("orders:write",), (401, "no_credentials")),
        (JWT_KEY, True, [GOOD, KEY], ("profile",), "alice"),
        (KEY_JWT, True, [GOOD, KEY], ("profile",), (403, "insufficient_scope")),
    ],
)
def test_scopes(
    identities: tuple,  # type: ignore[type-arg]
    every: bool,  # noqa: FBT001
    headers: list,  # type: ignore[type-arg]
    scopes: tuple[str, ...],
    expected: object,
) -> None:
    by = pipeline(*identities, every=every, scopes=scopes)
    assert told(decided(request(*headers), by)) == expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("a b", ("a", "b")),
        (" a  b ", ("a", "b")),
        ("a\tb", ("a\tb",)),
        ("", ()),
        (["a", "b"], ()),
        (7, ()),
        (None, ()),
    ],
)
def test_scopes_of_a_token(scope: object, expected: tuple[str, ...]) -> None:
    verdict = decided(request(bearer(signer().token({"scope": scope}))), pipeline(IDP))
    assert verdict.principal
    assert verdict.principal.scopes == expected


def test_keys_of_no_source_are_our_fault() -> None:
    given: dict[Question, Answer] = {KeysOf(source=IDP.keys): Missing.UNAVAILABLE}
    assert told(decided(request(GOOD), pipeline(IDP), given)) == (503, "keys_unavailable")


@pytest.mark.parametrize(
    ("age", "use_for", "expected"),
    [
        (0, 10, "alice"),
        (9.9, 10, "alice"),
        (10, 10, (503, "keys_stale")),
        (1e9, 10, (503, "keys_stale")),
        (1e9, 0, "alice"),
    ],
)
def test_stale_keys_are_our_fault(age: float, use_for: float, expected: object) -> None:
    stale = issuer_keys(signer(), fetched_at=NOW - age, use_for=use_for)
    given: dict[Question, Answer] = {KeysOf(source=IDP.keys): stale}
    assert told(decided(request(GOOD), pipeline(IDP), given)) == expected


def test_consumers_that_never_came_are_our_fault() -> None:
    given: dict[Question, Answer] = {holder_of(b"acme-key"): Missing.UNAVAILABLE}
    assert told(decided(request(KEY), pipeline(KEYS), given)) == (503, "consumers_unavailable")


def test_an_answer_of_the_wrong_kind_admits_nobody() -> None:
    acme = Holder(consumer="acme", scopes=())
    wrong: dict[Question, Answer] = {
        KeysOf(source=IDP.keys): acme,
        holder_of(b"acme-key"): issuer_keys(signer()),
    }
    assert decided(request(GOOD), pipeline(IDP), wrong).fault
    assert decided(request(KEY), pipeline(KEYS), wrong).fault


def test_a_key_counts_for_its_own_identity_alone() -> None:
    other = replace(KEYS, name="other-keys")
    assert told(decided(request(KEY), pipeline(other))) == (401, "unknown_api_key")


def test_an_unknown_kid_is_reported_and_nothing_else() -> None:
    rotated = request(bearer(signer("new").token()))
    verdict = decided(rotated, pipeline(IDP))
    assert (told(verdict), verdict.unknown) == ((401, "unknown_key"), (IDP.keys,))
    for header in (BAD, FOREIGN, NOT_A_TOKEN, GOOD):
        assert decided(request(header), pipeline(IDP)).unknown == ()
    expired = request(bearer(signer("new").token({"exp": 1})))
    assert decided(expired, pipeline(IDP)).unknown == ()


def test_it_asks_for_what_it_needs_alone() -> None:
    asked = decide(request(GOOD, KEY), pipeline(*JWT_KEY), {}, NOW)
    assert asked == Ask(question=KeysOf(source=IDP.keys))
    asked = decide(request(KEY), pipeline(*JWT_KEY), {}, NOW)
    assert asked == Ask(question=holder_of(b"acme-key"))
    assert isinstance(decide(request(BAD), pipeline(IDP), {}, NOW), Verdict)
    everything = known()
    del everything[holder_of(b"acme-key")]
    asked = decide(request(GOOD, KEY), pipeline(*JWT_KEY, every=True), everything, NOW)
    assert isinstance(asked, Ask)
    assert isinstance(asked.question, HolderOf)
