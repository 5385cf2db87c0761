"""`docker-compose.yml` as the tests see it: each service's command, environment and needs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.process import ROOT

FILE = ROOT / "docker-compose.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What a container would run. `binds` are (path in this tree, path in the container)."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: tuple[str, ...]
    needs: tuple[str, ...]
    binds: tuple[tuple[Path, str], ...]
    published: tuple[str, ...]
    """As `HOST:PORT:PORT` or shorter, as written."""


def document() -> dict[str, Any]:
    """The file, with its merge keys resolved."""
    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return read


def services() -> dict[str, Service]:
    """Every service, those that others need before them."""
    read = {name: _service(name, body) for name, body in document()["services"].items()}
    return {name: read[name] for name in _ordered(read, read)}


def _service(name: str, body: Mapping[str, Any]) -> Service:
    kind, *health = body["healthcheck"]["test"]
    assert kind == "CMD", "a health check is a command without a shell"
    volumes = [volume.split(":") for volume in body.get("volumes", ())]
    needs = body.get("depends_on", {})
    assert {need["condition"] for need in needs.values()} <= {"service_healthy"}
    return Service(
        name=name,
        command=tuple(body["command"]),
        environment=body.get("environment", {}),
        health=tuple(health),
        needs=tuple(needs),
        binds=tuple((ROOT / v[0], v[1]) for v in volumes if v[0].startswith(".")),
        published=tuple(body.get("ports", ())),
    )


def _ordered(wanted: Iterable[str], found: Mapping[str, Service]) -> list[str]:
    order: list[str] = []
    for name in wanted:
        before = _ordered(found[name].needs, found)
        order += [one for one in (*before, name) if one not in order]
    return order
