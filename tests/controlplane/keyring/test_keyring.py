"""The keyring against a real issuer: what is fetched when, what is kept, who is told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import structlog

from controlplane.keyring.keyring import Keyring
from policies.auth.sources import KeySource, Origin
from protos import KEYS
from protos.auth_pb2 import KeySet
from tests.controlplane.keyring.issuer import METADATA, Issuer, jwks, ok, stalled, status
from tests.controlplane.keyring.ring import HOUR, a_keyring, key_sets, kids, run, url


def test_every_source_has_a_resource_at_once_and_keys_when_they_come(tmp_path: Path) -> None:
    async def body(one: Issuer) -> None:
        one.answers = {
            METADATA: ok({"issuer": one.at, "jwks_uri": f"{one.at}/keys"}),
            "/keys": ok(jwks("a")),
            "/gone": status(500),
        }
        (tmp_path / "file.json").write_text(json.dumps(jwks("f")))
        sources = (
            KeySource(origin=Origin.DISCOVERY, at=one.at),
            KeySource(origin=Origin.URL, at=f"{one.at}/gone"),
            KeySource(origin=Origin.FILE, at="file.json"),
            KeySource(origin=Origin.INLINE, at=json.dumps(jwks("i"))),
        )
        async with a_keyring(tmp_path) as (keyring, told):
            keyring.want(sources, HOUR)
            empty = keyring.resources()
            assert {r.name for r in empty} == {s.id for s in sources}
            assert {r.type_url for r in empty} == {KEYS}
            assert [k.jwks for k in key_sets(keyring)] == [b""] * 4
            await keyring.first(within=10)
            found = {k.source: k for k in key_sets(keyring)}
            assert [kids(found[s.id]) for s in sources] == [["a"], [], ["f"], ["i"]]
            assert [found[s.id].use_for_ms for s in sources] == [HOUR, HOUR, 0, 0]
            assert found[sources[0].id].fetched_at_ms == 1_000_000
            assert found[sources[1].id].fetched_at_ms == 0
            assert told.times <= 5

    run(body)


def test_a_rotation_is_there_soon_after_somebody_misses_a_key() -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/keys": ok(jwks("old"))}
        async with a_keyring() as (keyring, told):
            source = url(one, "/keys")
            keyring.want((source,), HOUR)
            await told.until(lambda sets: kids(sets[0]) == ["old"])
            one.answers = {"/keys": ok(jwks("old", "new"))}
            keyring.wanted(source.id)
            await told.until(lambda sets: kids(sets[0]) == ["old", "new"])
            assert one.seen["/keys"] == 2

    run(body)


def test_a_thousand_missing_keys_are_one_fetch_at_a_time() -> None:
    """During a fetch, and right after it: one more then, at the end of the cool-down."""
    go = asyncio.Event()

    async def held(writer: asyncio.StreamWriter) -> None:
        await go.wait()
        writer.write(ok(jwks("a")))

    async def body(one: Issuer) -> None:
        one.answers = {"/keys": held}
        async with a_keyring() as (keyring, told):
            source = url(one, "/keys")
            keyring.want((source,), HOUR)
            await one.asked("/keys", 1)
            for _ in range(1000):
                keyring.wanted(source.id)
                keyring.wanted("of nobody")
            go.set()
            await told.until(lambda sets: kids(sets[0]) == ["a"])
            for _ in range(1000):
                keyring.wanted(source.id)
            told.wall = 2_000.0
            await told.until(lambda sets: sets[0].fetched_at_ms == 2_000_000)
            assert (one.seen["/keys"], one.most) == (2, 1)

    run(body)


def test_a_refresh_with_the_same_keys_renews_them_and_is_told_once() -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/keys": ok(jwks("a"))}
        async with a_keyring() as (keyring, told):
            source = url(one, "/keys")
            keyring.want((source,), HOUR)
            await told.until(lambda sets: sets[0].fetched_at_ms == 1_000_000)
            told.wall = 2_000.0
            before = told.times
            keyring.wanted(source.id)
            await told.until(lambda sets: sets[0].fetched_at_ms == 2_000_000)
            assert told.times <= before + 1

    run(body)


@pytest.mark.parametrize("none", [{"keys": []}, {"keys": [{"kty": "oct", "k": "x"}]}])
def test_an_issuer_may_withdraw_its_last_key(none: dict[str, Any]) -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/keys": ok(jwks("a"))}
        async with a_keyring() as (keyring, told):
            source = url(one, "/keys")
            keyring.want((source,), HOUR)
            await told.until(lambda sets: kids(sets[0]) == ["a"])
            assert keyring.keyless() == ()
            one.answers = {"/keys": ok(none)}
            keyring.wanted(source.id)
            await told.until(lambda sets: kids(sets[0]) == [])
            assert keyring.keyless() == (source.id,)

    run(body)


@pytest.mark.parametrize("bad", [status(500), ok(b"<html>"), ok({"keys": [1]}), ok({"keys": {}})])
def test_a_bad_answer_never_replaces_good_keys_and_good_ones_come_back(bad: bytes) -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/keys": ok(jwks("a"))}
        with structlog.testing.capture_logs() as lines:
            async with a_keyring() as (keyring, told):
                source = url(one, "/keys")
                keyring.want((source,), HOUR)
                await told.until(lambda sets: kids(sets[0]) == ["a"])
                good = keyring.resources()
                one.answers = {"/keys": bad}
                keyring.wanted(source.id)
                await one.asked("/keys", 4)
                assert keyring.resources() == good
                one.answers = {"/keys": ok(jwks("b"))}
                await told.until(lambda sets: kids(sets[0]) == ["b"])
        said = [line["event"] for line in lines]
        assert said == ["keys changed", "keys lost", "keys back", "keys changed"]
        assert all(line["host"] == "127.0.0.1" for line in lines)
        assert not any("/keys" in str(line) or "html" in str(line) for line in lines)

    run(body)


def test_first_does_not_wait_longer_than_it_may_and_one_stalled_issuer_holds_up_no_other() -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/slow": stalled, "/keys": ok(jwks("a"))}
        async with a_keyring() as (keyring, told):
            keyring.want((url(one, "/slow"), url(one, "/keys")), HOUR)
            await told.until(lambda sets: [k for k in map(kids, sets) if k] == [["a"]])
            await keyring.first(within=0)

    run(body)


def test_a_source_that_is_not_wanted_any_more_is_dropped_with_its_fetch() -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/slow": stalled, "/keys": ok(jwks("a"))}
        async with a_keyring() as (keyring, told):
            slow, quick = url(one, "/slow"), url(one, "/keys")
            keyring.want((slow,), HOUR)
            await one.asked("/slow", 1)
            waiting = asyncio.ensure_future(keyring.first(within=10))
            await asyncio.sleep(0)
            keyring.want((quick,), HOUR)
            await waiting
            await told.until(lambda sets: [kids(k) for k in sets] == [["a"]])
            keyring.wanted(slow.id)
            keyring.want((), HOUR)
            assert keyring.resources() == ()
            await told.until(lambda _: told.pages[-1] == ())

    run(body)


def test_how_long_keys_may_be_used_changes_without_a_fetch() -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/keys": ok(jwks("a"))}
        async with a_keyring() as (keyring, told):
            source = url(one, "/keys")
            keyring.want((source,), HOUR)
            await told.until(lambda sets: kids(sets[0]) == ["a"])
            keyring.want((source,), 1)
            await told.until(lambda _: KeySet.FromString(told.pages[-1][0].body).use_for_ms == 1)
            assert one.seen["/keys"] == 1

    run(body)


def test_an_error_of_the_body_goes_on_as_it_is() -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/keys": stalled}

        async def failing() -> None:
            async with a_keyring() as (keyring, _):
                keyring.want((url(one, "/keys"),), HOUR)
                await one.asked("/keys", 1)
                raise RuntimeError("mine")

        with pytest.raises(RuntimeError, match="mine"):
            await failing()

    run(body)


def test_a_trust_store_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Keyring(None, tmp_path, str(tmp_path / "none.pem"), on_change=lambda: None)
