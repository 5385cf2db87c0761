"""The services of `dev` as supervised children, started when a route first needs them."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from foregate.dev.supervise import Process, Program
from protos import EXTAUTHZ, RATELIMIT

SERVICES = (EXTAUTHZ, RATELIMIT)
POLL = 0.02


def socket_of(service: str, folder: Path) -> Path:
    """Where Envoy finds a service."""
    return folder / f"{service}.sock"


def program(service: str, folder: Path, xds: Path, redis: str) -> Program:
    """The command of a service. The URL of Redis may hold a password, so it is not among words."""
    environ: dict[str, str] = {"FOREGATE_XDS": f"unix:{xds}"}
    environ["FOREGATE_LISTEN"] = f"unix:{socket_of(service, folder)}"
    environ |= {"FOREGATE_ADMIN_LISTEN": "", "FOREGATE_STATE_DIR": str(folder / service)}
    environ |= {"FOREGATE_LOG": "warning", "FOREGATE_NODE": f"{service}-dev"}
    if service == RATELIMIT and redis:
        environ["FOREGATE_REDIS_URL"] = redis
    return Program(
        name=service,
        # -P: what lies in the user's folder is not imported
        command=(sys.executable, "-P", "-m", "foregate", service),
        log=folder / f"{service}.log",
        environ=environ,
    )


async def answers(service: str, folder: Path, _process: Process) -> None:
    """Wait until a service's socket takes connections."""
    while True:
        try:
            _, writer = await asyncio.open_unix_connection(str(socket_of(service, folder)))
        except OSError:
            await asyncio.sleep(POLL)
        else:
            writer.close()
            return


class Needs:
    """Which services the gateway has needed so far: they are not stopped again."""

    def __init__(self) -> None:
        self.events: Mapping[str, asyncio.Event] = {s: asyncio.Event() for s in SERVICES}

    def needed(self, services: frozenset[str]) -> None:
        """Have these started, if they are not."""
        for service in services:
            self.events[service].set()
