"""What the keyring reads from files: key files, inline keys, the last good of the run before."""

import json
import os
from pathlib import Path

import structlog

from policies.auth.sources import KeySource, Origin
from tests.controlplane.keyring.issuer import Issuer, jwks, ok, status
from tests.controlplane.keyring.ring import HOUR, a_keyring, key_sets, kids, run, until, url


def test_a_restart_while_the_issuer_is_down_goes_on_with_the_last_good(tmp_path: Path) -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/keys": ok(jwks("a"))}
        source = url(one, "/keys")
        async with a_keyring(tmp_path) as (keyring, told):
            keyring.want((source,), HOUR)
            await told.until(lambda sets: kids(sets[0]) == ["a"])
            before = keyring.resources()
            await until((tmp_path / "keys" / source.id).exists)
        one.answers = {"/keys": status(503)}
        async with a_keyring(tmp_path) as (keyring, told):
            told.wall = 9_000.0
            keyring.want((source,), HOUR)
            assert keyring.resources() == before
            await keyring.first(within=10)
            assert keyring.resources() == before
            one.answers = {"/keys": ok(jwks("b"))}
            await told.until(lambda sets: kids(sets[0]) == ["b"])

    run(body)


def test_a_folder_that_cannot_be_written_costs_only_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")

    async def body(one: Issuer) -> None:
        one.answers = {"/keys": ok(jwks("a"))}
        async with a_keyring(tmp_path) as (keyring, told):
            source = url(one, "/keys")
            keyring.want((source,), HOUR)
            await told.until(lambda sets: kids(sets[0]) == ["a"])
            one.answers = {"/keys": ok(jwks("b"))}
            keyring.wanted(source.id)
            await told.until(lambda sets: kids(sets[0]) == ["b"])

    run(body)


def test_a_file_is_followed_and_garbage_in_it_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file.json"

    def write(text: str) -> None:
        (tmp_path / "new").write_text(text)
        os.replace(tmp_path / "new", file)  # noqa: PTH105 - an atomic write, as editors do it

    async def body(_: Issuer) -> None:
        write(json.dumps(jwks("a")))
        async with a_keyring(tmp_path) as (keyring, told):
            keyring.want((KeySource(origin=Origin.FILE, at="file.json"),), HOUR)
            await told.until(lambda sets: kids(sets[0]) == ["a"])
            write(json.dumps(jwks("b")))
            await told.until(lambda sets: kids(sets[0]) == ["b"])
            times = told.times
            with structlog.testing.capture_logs() as lines:
                write("{")
                await until(lambda: "keys lost" in [line["event"] for line in lines])
                aging = key_sets(keyring)[0]
                assert kids(aging) == ["b"]
                assert aging.use_for_ms == HOUR  # lost: from now on they age
                write(json.dumps(jwks("b")))
                await until(lambda: "keys back" in [line["event"] for line in lines])
                assert key_sets(keyring)[0].use_for_ms == 0
            assert told.times > times
            write(json.dumps(jwks("c")))
            await told.until(lambda sets: kids(sets[0]) == ["c"])

    run(body)


def test_inline_keys_are_looked_at_once() -> None:
    async def body(_: Issuer) -> None:
        async with a_keyring() as (keyring, told):
            good = KeySource(origin=Origin.INLINE, at=json.dumps(jwks("a")))
            bad = KeySource(origin=Origin.INLINE, at="{")
            keyring.want((good, bad), HOUR)
            await keyring.first(within=10)
            keyring.wanted(good.id)
            assert sorted(map(kids, key_sets(keyring))) == [[], ["a"]]
            assert told.times <= 2

    run(body)
