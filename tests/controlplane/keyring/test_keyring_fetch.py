"""One attempt, against an issuer that does everything wrong that an issuer can."""

import asyncio
import gzip
import json
import os
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trustme

from controlplane.keyring import fetch as module
from controlplane.keyring.fetch import Failed, Fetched, Places, Same, fetch
from policies.auth.sources import KeySource, Origin
from tests.controlplane.keyring.issuer import (
    METADATA,
    Answer,
    Issuer,
    half,
    issuer,
    jwks,
    ok,
    stalled,
    status,
)

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
NOBODY.check_hostname = True
GOOD = jwks("a")
BIG = ok(b'{"keys":[' + b" " * 10_000_000 + b"]}")
CHUNK = b"4000\r\n" + b" " * 0x4000 + b"\r\n"


async def endless(writer: asyncio.StreamWriter) -> None:
    """Chunks for as long as somebody reads."""
    writer.write(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(CHUNK)
        await writer.drain()


async def dripping(writer: asyncio.StreamWriter) -> None:
    """Each byte in time, the whole never."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


def test_a_good_answer_is_the_keys() -> None:
    result = _asked(ok({**GOOD, "other": 1}, Cache_Control="public, max-age=77"))
    assert isinstance(result, Fetched)
    assert (json.loads(result.jwks), result.max_age) == (GOOD, 77)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(500, json.dumps(GOOD).encode()), "answered 500"),
        (status(404), "answered 404"),
        (status(204), "answered 204"),
        (status(304), "answered 304"),
        (status(302, location="/good"), "answered 302"),
        (ok(b"<html>no</html>"), "not JSON"),
        (ok(b"\x00\xff\xfe"), "not JSON"),
        (ok([GOOD]), "no JSON object"),
        (ok({"keys": ["a"]}), "no JWK Set"),
        (BIG, "over 1 MiB"),
        (endless, "over 1 MiB"),
        (
            ok(gzip.compress(json.dumps(GOOD).encode()), Content_Encoding="gzip"),
            "compressed without being asked to",
        ),
        (b"SSH-2.0-OpenSSH\r\n", "not readable: RemoteProtocolError"),
        (b"", "not readable: RemoteProtocolError"),
        (ok(GOOD)[:-5], "not readable: RemoteProtocolError"),
        (b"HTTP/1.1 200 X\r\na: " + b"a" * 200_000, "not readable: RemoteProtocolError"),
    ],
)
def test_anything_else_is_a_reason(answer: Answer, reason: str) -> None:
    assert _asked(answer) == Failed(reason=reason)


@pytest.mark.parametrize("answer", [stalled, half, dripping])
def test_a_slow_issuer_ends_with_the_time(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCH_SECONDS", 0.2)
    assert _asked(answer) == Failed(reason="timed out")


def test_the_time_is_for_both_answers_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCH_SECONDS", 0.3)

    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(ok(documents[len(documents) - 1]))

    documents: list[object] = []

    async def body(one: Issuer) -> None:
        documents.append({"issuer": one.at, "jwks_uri": f"{one.at}/keys"})
        one.answers = {METADATA: late, "/keys": late}
        assert await _discover(one.at) == Failed(reason="timed out")
        assert one.seen["/keys"] == 1

    _with(body)


def test_nothing_of_a_redirect_is_followed() -> None:
    async def body(one: Issuer) -> None:
        one.answers = {"/keys": status(301, location=f"{one.at}/good"), "/good": ok(GOOD)}
        assert await _url(f"{one.at}/keys") == Failed(reason="answered 301")
        assert dict(one.seen) == {"/keys": 1}

    _with(body)


def test_nobody_listens() -> None:
    async def body(one: Issuer) -> None:
        at = one.at
        async with issuer() as other:
            at = other.at
        assert await _url(f"{at}/keys") == Failed(reason="no connection")

    _with(body)


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(one: Issuer) -> None:
        async with issuer() as proxy:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.at)
            one.answers = {"/keys": ok(GOOD)}
            assert isinstance(await _url(f"{one.at}/keys"), Fetched)
            assert not proxy.seen

    _with(body)


def test_discovery_leads_to_the_keys() -> None:
    async def body(one: Issuer) -> None:
        for at in (f"{one.at}/realm", f"{one.at}/realm/"):
            one.answers = {
                f"/realm{METADATA}": ok({"issuer": at, "jwks_uri": f"{one.at}/keys"}),
                "/keys": ok(GOOD),
            }
            assert isinstance(await _discover(at), Fetched)

    _with(body)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"issuer": "{at}/", "jwks_uri": "{at}/keys"}, "the metadata is of another issuer"),
        ({"issuer": "https://idp", "jwks_uri": "{at}/keys"}, "the metadata is of another issuer"),
        ({"issuer": ["{at}"], "jwks_uri": "{at}/keys"}, "the metadata is of another issuer"),
        ({"jwks_uri": "{at}/keys"}, "the metadata is of another issuer"),
        ({"issuer": "{at}"}, "no jwks_uri in the metadata"),
        ({"issuer": "{at}", "jwks_uri": ["{at}/keys"]}, "no jwks_uri in the metadata"),
        (
            {"issuer": "{at}", "jwks_uri": "http://idp.example.com/keys"},
            "jwks_uri: neither https nor on this machine",
        ),
        (
            {"issuer": "{at}", "jwks_uri": "https://u:p@idp.example.com/"},
            "jwks_uri: a user in the URL",
        ),
        ({"issuer": "{at}", "jwks_uri": "file:///etc/passwd"}, "jwks_uri: not an http URL"),
        ({"issuer": "{at}", "jwks_uri": "/keys"}, "jwks_uri: not an http URL"),
    ],
)
def test_metadata_that_is_wrong_leads_nowhere(metadata: dict[str, object], reason: str) -> None:
    async def body(one: Issuer) -> None:
        text = json.dumps(metadata).replace("{at}", one.at)
        one.answers = {METADATA: ok(text.encode()), "/keys": ok(GOOD)}
        assert await _discover(one.at) == Failed(reason=reason)
        assert "/keys" not in one.seen

    _with(body)


def test_an_unsound_url_is_not_even_asked() -> None:
    async def body(one: Issuer) -> None:
        port = one.at.rpartition(":")[2]
        wrong = await _url(f"http://me:secret@127.0.0.1:{port}/keys")
        assert wrong == Failed(reason="a user in the URL")
        assert isinstance(await _url("http://idp.example.com/keys"), Failed)
        assert isinstance(await _discover(f"{one.at}?a"), Failed)
        assert not one.seen

    _with(body)


def test_certificates_are_verified_with_the_trust_store() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    known = ssl.create_default_context()
    authority.configure_trust(known)

    async def body() -> None:
        async with issuer(server) as one:
            one.answers = {"/keys": ok(GOOD)}
            source = KeySource(origin=Origin.URL, at=f"{one.at}/keys")
            assert isinstance(await fetch(source, Places(trust=known, root=Path())), Fetched)
            stranger = await fetch(source, Places(trust=ssl.create_default_context(), root=Path()))
            assert stranger == Failed(reason="its certificate is not trusted")
            other_name = KeySource(
                origin=Origin.URL, at=source.at.replace("localhost", "127.0.0.1")
            )
            assert isinstance(await fetch(other_name, Places(trust=known, root=Path())), Failed)

    asyncio.run(body())


def test_files_are_read_when_they_are_others_than_before(tmp_path: Path) -> None:
    async def body() -> None:
        assert await _file(tmp_path, "keys") == Failed(reason="not readable: FileNotFoundError")
        file = tmp_path / "keys"
        file.write_text(json.dumps(GOOD))
        first = await _file(tmp_path, "keys")
        assert isinstance(first, Fetched)
        places = Places(trust=NOBODY, root=tmp_path)
        source = KeySource(origin=Origin.FILE, at="keys")
        assert await fetch(source, places, first.mark) == Same()
        file.write_text(json.dumps(jwks("a", "b")))
        assert isinstance(await fetch(source, places, first.mark), Fetched)
        file.write_text("{")
        assert await fetch(source, places, first.mark) == Failed(reason="not JSON")
        file.write_bytes(b" " * (2**20 + 1))
        assert await _file(tmp_path, "keys") == Failed(reason="over 1 MiB")
        os.mkfifo(tmp_path / "pipe")
        assert await _file(tmp_path, "pipe") == Failed(reason="not a file")
        assert await _file(tmp_path, "nul\0") == Failed(reason="not readable: ValueError")

    asyncio.run(body())


def test_inline_keys_are_keys() -> None:
    async def body() -> None:
        places = Places(trust=NOBODY, root=Path())
        source = KeySource(origin=Origin.INLINE, at=json.dumps(GOOD))
        assert isinstance(await fetch(source, places), Fetched)
        source = KeySource(origin=Origin.INLINE, at="\ud800")
        assert isinstance(await fetch(source, places), Failed)

    asyncio.run(body())


def _asked(answer: Answer) -> Fetched | Same | Failed:
    found: list[Fetched | Same | Failed] = []

    async def body(one: Issuer) -> None:
        one.answers = {"/keys": answer, "/good": ok(GOOD)}
        found.append(await _url(f"{one.at}/keys"))
        assert set(one.seen) <= {"/keys"}

    _with(body)
    return found[0]


def _with(body: Callable[[Issuer], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(20), issuer() as one:
            await body(one)

    asyncio.run(whole())


async def _url(at: str) -> Fetched | Same | Failed:
    places = Places(trust=NOBODY, root=Path())
    return await fetch(KeySource(origin=Origin.URL, at=at), places)


async def _discover(at: str) -> Fetched | Same | Failed:
    places = Places(trust=NOBODY, root=Path())
    return await fetch(KeySource(origin=Origin.DISCOVERY, at=at), places)


async def _file(root: Path, at: str) -> Fetched | Same | Failed:
    places = Places(trust=NOBODY, root=root)
    return await fetch(KeySource(origin=Origin.FILE, at=at), places)
