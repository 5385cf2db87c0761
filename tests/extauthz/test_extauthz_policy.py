"""What the service takes in, and what it refuses whole."""

import hashlib
from dataclasses import replace

import pytest

from decision.ask import Holder, HolderOf, IssuerKeys, KeysOf, Missing
from decision.verdict import Verdict
from extauthz.metrics import Metrics
from extauthz.policy import Policy
from policies.auth.pipeline import document
from protos import CONSUMERS, CONSUMERS_NAME, KEYS, LIMITS, PIPELINE
from protos.auth_pb2 import ConsumerSet, KeySet
from protos.auth_pb2 import Pipeline as PipelineMessage
from serving.service import RejectedError, Update
from tests.extauthz.checks import consumers, key_set, message, pipelines, served
from tests.policies.auth_check.minting import (
    IDP,
    PARTNER,
    holder_of,
    jwks,
    pipeline,
    signer,
)
from tests.policies.auth_check.minting import (
    KEYS as API_KEYS,
)

ONE, TWO = pipeline(IDP), pipeline(IDP, API_KEYS)
NAME, BODY = message(ONE)
TEXT = document(ONE)


def taken(*updates: Update, past: int = 10) -> Policy:
    policy = Policy(past=past)
    for update in updates:
        policy.take(update)
    return policy


def body(text: bytes, name: str = "") -> bytes:
    name = name or hashlib.sha256(text).hexdigest()
    return PipelineMessage(hash=name, document=text).SerializeToString()


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


SPACED = TEXT.replace(b":", b": ")
UNKNOWN = TEXT.replace(b'{"format"', b'{"also":1,"format"')
NEWER = TEXT.replace(b'"format":1', b'"format":2')


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (NAME, b"\xff"),
        (NAME, b""),
        ("a" * 64, BODY),
        ("a" * 64, body(TEXT, "a" * 64)),
        (NAME, body(TEXT, "a" * 64)),
        (NAME, PipelineMessage(hash=NAME, document=TEXT + b" ").SerializeToString()),
        (NAME.upper(), BODY),
        (digest(SPACED), body(SPACED)),
        (digest(UNKNOWN), body(UNKNOWN)),
        (digest(NEWER), body(NEWER)),
        (digest(b"{}"), body(b"{}")),
        (digest(b"[]"), body(b"[]")),
        (digest(b"\xff"), body(b"\xff")),
        (digest(b"[" * 9999), body(b"[" * 9999)),
    ],
    ids=range(14),
)
def test_a_pipeline_that_is_refused(name: str, content: bytes) -> None:
    policy = taken(pipelines(TWO))
    good, _ = message(TWO)
    with pytest.raises(RejectedError):
        policy.take(Update(type_url=PIPELINE, changed={NAME: BODY, name: content}))
    assert policy.pipeline(NAME) is None
    assert policy.pipeline(name) is None
    assert policy.pipeline(good) == TWO


def api_key(name: str, sha256: bytes, identity: str = "keys") -> bytes:
    out = ConsumerSet()
    out.consumers.add(name=name).keys.add(identity=identity, sha256=sha256)
    return out.SerializeToString()


HASH = b"canary" + b"\0" * 26
TWICE = ConsumerSet.FromString(api_key("a", HASH) + api_key("b", HASH)).SerializeToString()
SAME = ConsumerSet.FromString(api_key("a", HASH) + api_key("a", b"o" * 32)).SerializeToString()
MORE = ConsumerSet.FromString(api_key("a", HASH) + api_key("b", HASH, "more")).SerializeToString()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (CONSUMERS_NAME, b"\xff"),
        ("others", api_key("a", HASH)),
        (CONSUMERS_NAME, api_key("a", HASH[:31])),
        (CONSUMERS_NAME, api_key("a", HASH + b"\0")),
        (CONSUMERS_NAME, api_key("a", b"")),
        (CONSUMERS_NAME, api_key("a", HASH, identity="")),
        (CONSUMERS_NAME, api_key("", HASH)),
        (CONSUMERS_NAME, TWICE),
        (CONSUMERS_NAME, SAME),
        (CONSUMERS_NAME, MORE),
    ],
    ids=range(10),
)
def test_consumers_that_are_refused(name: str, content: bytes) -> None:
    policy = taken(consumers({"acme": b"acme-key"}))
    with pytest.raises(RejectedError) as caught:
        policy.take(Update(type_url=CONSUMERS, changed={name: content}))
    assert "canary" not in caught.value.message
    assert HASH.hex() not in caught.value.message
    acme = Holder(consumer="acme", scopes=("orders:read",))
    assert policy.answer(holder_of(b"acme-key")) == acme


def keys_body(source: str, text: bytes, fetched: int = 1, use_for: int = 0) -> bytes:
    return KeySet(
        source=source, jwks=text, fetched_at_ms=fetched, use_for_ms=use_for
    ).SerializeToString()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b", b"\xff"),
        ("b", keys_body("a", jwks())),
        ("b", keys_body("", jwks())),
        ("b", keys_body("b", b"{}")),
        ("b", keys_body("b", b"canary")),
        ("b", keys_body("b", b'{"keys": ["canary"]')),
        ("b", keys_body("b", jwks(), use_for=-1)),
        ("b", keys_body("b", jwks(), fetched=-1)),
    ],
    ids=range(8),
)
def test_keys_that_are_refused(name: str, content: bytes) -> None:
    policy = taken(key_set("a", signer()))
    before = policy.answer(KeysOf(source="a"))
    fresh = key_set("a", signer("new")).changed["a"]
    with pytest.raises(RejectedError) as caught:
        policy.take(Update(type_url=KEYS, changed={"a": fresh, name: content}))
    assert "canary" not in caught.value.message
    assert policy.answer(KeysOf(source="a")) is before
    assert policy.answer(KeysOf(source="b")) is Missing.UNAVAILABLE


def test_another_type_is_refused() -> None:
    with pytest.raises(RejectedError):
        taken(Update(type_url=LIMITS, changed={"limits": b""}))


def test_answers() -> None:
    policy = taken(*served(ONE))
    issued = policy.answer(KeysOf(source=IDP.keys))
    assert isinstance(issued, IssuerKeys)
    assert [key.kid for key in issued.keys] == ["es", "ed", "rs"]
    assert policy.answer(KeysOf(source="other")) is Missing.UNAVAILABLE
    acme = Holder(consumer="acme", scopes=("orders:read",))
    assert policy.answer(holder_of(b"acme-key")) == acme
    assert policy.answer(holder_of(b"acme-key", "other")) is Missing.NOBODY
    assert policy.answer(holder_of(b"other")) is Missing.NOBODY
    assert policy.answer(HolderOf(identity="keys", sha256=b"")) is Missing.NOBODY


def test_consumers_are_replaced_whole() -> None:
    policy = taken(consumers({"acme": b"a"}), consumers({"bob": b"b"}))
    assert policy.answer(holder_of(b"a")) is Missing.NOBODY
    assert policy.answer(holder_of(b"b")) == Holder(consumer="bob", scopes=("orders:read",))


def test_a_set_without_keys_displaces_none() -> None:
    policy = taken(key_set("a", signer()), key_set("a"))
    assert isinstance(policy.answer(KeysOf(source="a")), IssuerKeys)
    policy.take(Update(type_url=KEYS, removed=frozenset({"a"})))
    assert policy.answer(KeysOf(source="a")) is Missing.UNAVAILABLE


def test_a_set_with_an_empty_list_takes_the_keys_away() -> None:
    policy = taken(key_set("a", signer()), key_set("a", text=b'{"keys":[]}'))
    issued = policy.answer(KeysOf(source="a"))
    assert isinstance(issued, IssuerKeys)
    assert issued.keys == ()


def test_past_pipelines_are_kept_up_to_a_number() -> None:
    three = [replace(ONE, scopes=(scope,)) for scope in "abc"]
    names = [message(p)[0] for p in three]
    policy = taken(pipelines(*three), pipelines(removed=names[:2]), past=2)
    assert all(policy.pipeline(name) for name in names)
    assert policy.pipeline(names[0])  # used last, so the other one goes
    policy.take(pipelines(removed=[names[2]]))
    assert [policy.pipeline(name) is not None for name in names] == [True, False, True]
    policy.take(pipelines(three[0]))
    policy.take(pipelines(removed=["unknown"]))
    assert policy.pipeline(names[0]) == three[0]


def test_a_pipeline_that_was_served_again_is_the_newest_of_the_past() -> None:
    three = [replace(ONE, scopes=(scope,)) for scope in "abc"]
    names = [message(p)[0] for p in three]
    policy = taken(pipelines(*three), pipelines(removed=names[:1]), past=2)
    policy.take(pipelines(removed=names[1:2]))
    policy.take(pipelines(three[0]))
    policy.take(pipelines(removed=names[:1]))
    policy.take(pipelines(removed=names[2:]))
    assert [policy.pipeline(name) is not None for name in names] == [True, False, True]


def test_ready_when_all_that_is_named_has_come() -> None:
    everything = served(pipeline(IDP, PARTNER, API_KEYS))
    for missing in everything[:3]:
        assert not taken(*(u for u in everything if u is not missing)).ready
    assert taken(*everything).ready
    assert taken(*everything[::-1]).ready
    assert not taken().ready


def test_ready_with_keys_that_were_never_fetched_and_without_any_pipeline() -> None:
    assert taken(consumers({}), key_set(IDP.keys), pipelines(ONE)).ready
    assert taken(consumers({})).ready
    assert not taken(consumers({}), pipelines(ONE)).ready


def test_once_ready_it_stays_so() -> None:
    policy = taken(*served(ONE))
    policy.take(pipelines(pipeline(replace(IDP, keys="late"))))
    assert policy.ready
    policy.take(Update(type_url=KEYS, removed=frozenset({IDP.keys})))
    assert policy.ready


def test_what_was_vacuously_ready_is_not_ready_for_good() -> None:
    policy = taken(consumers({}))
    policy.take(pipelines(ONE))
    assert not policy.ready
    policy.take(key_set(IDP.keys))
    assert policy.ready


def test_rules_are_counted_by_name_up_to_a_number() -> None:
    metrics = Metrics(rules=2)
    for rule in ("a", "b", "c", "d", "a"):
        metrics.decided(rule, Verdict(), 0.001)

    def count(rule: str) -> float | None:
        labels = {"rule": rule, "reason": "denied", "verdict": "deny"}
        return metrics.registry.get_sample_value("foregate_extauthz_decisions_total", labels)

    assert [count(rule) for rule in ("a", "b", "c", "other")] == [2, 1, None, 2]


def test_keys_that_are_gone_serve_pipelines_of_the_past_alone() -> None:
    sets = key_set(IDP.keys, signer())
    policy = taken(sets, pipelines(ONE))
    question = KeysOf(source=IDP.keys)
    assert isinstance(policy.answer(question), IssuerKeys)
    policy.take(Update(type_url=KEYS, removed=frozenset({IDP.keys})))
    assert policy.answer(question) is Missing.UNAVAILABLE  # it is asked for today
    policy.take(Update(type_url=PIPELINE, removed=frozenset({NAME})))
    assert isinstance(policy.answer(question), IssuerKeys)
    policy.take(sets)
    policy.take(pipelines(ONE))
    assert isinstance(policy.answer(question), IssuerKeys)
