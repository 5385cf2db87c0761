"""One attempt at the keys of a source: bounded in time and size, its failures are values.

What comes back is never logged and never part of a reason: only what kind of wrong it was.
"""

import asyncio
import re
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import httpx

from controlplane.keyring.jwks import NoKeysError, json_object, public_keys
from controlplane.keyring.urls import may_be_here, metadata_url, unfit, unfit_issuer
from policies.auth.sources import KeySource, Origin

FETCH_SECONDS = 2.0
"""For a whole attempt: an issuer's metadata and its keys together."""

BODY_BYTES = 2**20

_HEADERS = {"accept": "application/json, application/jwk-set+json", "accept-encoding": "identity"}
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE | re.ASCII)

Mark: TypeAlias = tuple[int, ...]
"""What tells a file's states apart without reading it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Keys, as `jwks.public_keys` writes them; `max_age` in seconds if the answer had one."""

    jwks: bytes
    max_age: int | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """The file is the one that was read last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Why there are no keys: a few words of ours."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where an attempt looks: whom it trusts over TLS, and the folder that files are seen from."""

    trust: ssl.SSLContext
    root: Path


async def fetch(
    source: KeySource, places: Places, mark: Mark | None = None
) -> Fetched | Same | Failed:
    """Get the keys of a source. `mark` is that of the file that was read last."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            return await _found(source, places, mark)
    except (NoKeysError, OSError, ValueError, httpx.HTTPError) as error:
        return Failed(reason=_reason(error))


async def _found(source: KeySource, places: Places, mark: Mark | None) -> Fetched | Same:
    match source.origin:
        case Origin.INLINE:
            return Fetched(jwks=public_keys(source.at.encode()))
        case Origin.FILE:
            return await asyncio.to_thread(_read, places.root / source.at, mark)
        case Origin.URL | Origin.DISCOVERY:
            return await _fetch(source, places)


async def _fetch(source: KeySource, places: Places) -> Fetched:
    """Ask over HTTP: nothing of one attempt (cookies, connections) is there in the next."""
    discovers = source.origin is Origin.DISCOVERY
    wrong = unfit_issuer(source.at) if discovers else unfit(source.at)
    if wrong:
        raise NoKeysError(wrong)
    async with httpx.AsyncClient(
        verify=places.trust, trust_env=False, follow_redirects=False, timeout=FETCH_SECONDS
    ) as client:
        url = await _discovered(client, source.at) if discovers else source.at
        body, max_age = await _get(client, url)
        return Fetched(jwks=public_keys(body), max_age=max_age)


async def _discovered(client: httpx.AsyncClient, issuer: str) -> str:
    """Return the URL of an issuer's keys (OpenID Connect Discovery 1.0, section 4.3)."""
    body, _ = await _get(client, metadata_url(issuer))
    metadata = json_object(body)
    if metadata.get("issuer") != issuer:
        raise NoKeysError("the metadata is of another issuer")
    url = metadata.get("jwks_uri")
    if not isinstance(url, str):
        raise NoKeysError("no jwks_uri in the metadata")
    wrong = unfit(url)
    if wrong:
        raise NoKeysError(f"jwks_uri: {wrong}")
    if may_be_here(url) and not may_be_here(issuer):
        raise NoKeysError("jwks_uri: on this machine, and the issuer is not")
    return url


async def _get(client: httpx.AsyncClient, url: str) -> tuple[bytes, int | None]:
    """Return the body of a 200, as it came over the wire, and its max-age."""
    async with client.stream("GET", url, headers=_HEADERS) as response:
        if response.status_code != 200:
            raise NoKeysError(f"answered {response.status_code}")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise NoKeysError("compressed without being asked to")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > BODY_BYTES:
                raise NoKeysError("over 1 MiB")
        age = _MAX_AGE.search(response.headers.get("cache-control", ""))
        return bytes(body), int(age[1]) if age else None


def _read(path: Path, mark: Mark | None) -> Fetched | Same:
    """Read a file of keys, unless it is as it was. Raises OSError, NoKeysError."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):  # to open a pipe could wait for ever
        raise NoKeysError("not a file")
    now = (found.st_mtime_ns, found.st_size, found.st_ino)
    if now == mark:
        return Same()
    with path.open("rb") as file:
        body = file.read(BODY_BYTES + 1)
    if len(body) > BODY_BYTES:
        raise NoKeysError("over 1 MiB")
    return Fetched(jwks=public_keys(body), mark=now)


def _reason(error: Exception) -> str:
    match error:
        case NoKeysError():
            return error.why
        case TimeoutError() | httpx.TimeoutException():
            return "timed out"
        case httpx.ConnectError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return "its certificate is not trusted"
        case httpx.ConnectError():
            return "no connection"
        case _:
            return f"not readable: {type(error).__name__}"
