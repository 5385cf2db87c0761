"""What the prover's admin page says of its listeners: the ACK of one does not say it works."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from controlplane.snapshot import Resource

_MASK = (
    "name,active_state.version_info,warming_state.version_info,"
    "error_state.details,error_state.version_info"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """`warming`: some listeners are not there yet. `errors` are Envoy's words by listener."""

    warming: bool
    errors: Mapping[str, str]


class Admin:
    """The admin page on a Unix socket."""

    def __init__(self, socket: Path) -> None:
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://prover")

    async def __aenter__(self) -> Self:
        """Open nothing yet: the first question does."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def listening(self, wanted: Mapping[str, Resource]) -> Listening:
        """Say how far listeners are. Raises httpx.HTTPError where there is no answer."""
        said = await self._client.get(
            "/config_dump", params={"resource": "dynamic_listeners", "mask": _MASK}
        )
        return listening(json.loads(said.text).get("configs", []), wanted)


def listening(dump: list[dict[str, Any]], wanted: Mapping[str, Resource]) -> Listening:
    """Read Envoy's dump of its dynamic listeners, after the ACK of the wanted ones.

    One that is there already may be told by an older version: Envoy looks at the content alone.
    """
    states = {one["name"]: one for one in dump if "name" in one}
    errors = {
        name: states[name]["error_state"].get("details", "")
        for name, one in wanted.items()
        if _version(states, name, "error_state") == one.version
    }
    warming = any(
        "active_state" not in states.get(name, {}) or "warming_state" in states[name]
        for name in wanted
    )
    return Listening(warming=warming, errors=errors)


def _version(states: Mapping[str, Any], name: str, state: str) -> str:
    return str(states.get(name, {}).get(state, {}).get("version_info", ""))
