"""A keyring with a quick pace beside an issuer, and what tests ask of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controlplane.keyring.keyring import Keyring, Timing
from controlplane.keyring.schedule import Pace
from controlplane.snapshot import Resource
from policies.auth.sources import KeySource, Origin
from protos.auth_pb2 import KeySet
from tests.controlplane.keyring.issuer import Issuer, issuer

QUICK = Pace(cool_down=0.05, retry=0.02, retry_most=0.05, file=0.02)
"""Refreshes are minutes away; what a test waits for comes at once."""

HOUR = 3_600_000


@dataclass
class Told:
    """How often the keyring said that something changed, and a way to wait for it."""

    times: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    pages: list[tuple[Resource, ...]] = field(default_factory=list)
    keyring: Keyring | None = None
    wall: float = 1_000.0

    def __call__(self) -> None:
        assert self.keyring is not None
        self.times += 1
        self.pages.append(self.keyring.resources())
        self.moved.set()

    async def until(self, right: Callable[[list[KeySet]], bool]) -> None:
        """Wait until the resources are right; each change is looked at once."""
        assert self.keyring is not None
        while not right(key_sets(self.keyring)):
            self.moved.clear()
            await self.moved.wait()


def url(one: Issuer, path: str) -> KeySource:
    return KeySource(origin=Origin.URL, at=f"{one.at}{path}")


def key_sets(keyring: Keyring) -> list[KeySet]:
    return [KeySet.FromString(r.body) for r in keyring.resources()]


def kids(keys: KeySet) -> list[str]:
    found: dict[str, list[dict[str, Any]]] = json.loads(keys.jwks or '{"keys": []}')
    return [key["kid"] for key in found["keys"]]


async def until(right: Callable[[], bool]) -> None:
    while not right():  # noqa: ASYNC110 - files and log lines have no event
        await asyncio.sleep(0.005)


@asynccontextmanager
async def a_keyring(folder: Path | None = None) -> AsyncIterator[tuple[Keyring, Told]]:
    told = Told()
    timing = Timing(pace=QUICK, wall=lambda: told.wall, jitter=lambda: 0.0)
    keyring = Keyring(folder, folder or Path(), "", told, timing=timing)
    told.keyring = keyring
    async with keyring:
        yield keyring, told


def run(body: Callable[[Issuer], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(20), issuer() as one:
            await body(one)

    asyncio.run(whole())
