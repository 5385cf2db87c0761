"""The routing cases: routes, and where requests go. The tests run them, the README shows them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).resolve().parent.parent / "tests" / "e2e" / "routing"

_REQUEST = re.compile(r"([A-Z]+) (\S+)((?: \[[^\]]*\])*) -> (\w+)")
_HEADER = re.compile(r"\[([^:\]]+): ([^\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, and the backend that it goes to or the status of its answer."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    answered: str

    @property
    def shown(self) -> str:
        """As it stands in a table."""
        carried = "".join(f" `{name}: {value}`" for name, value in self.headers)
        return f"`{self.method} {self.target}`{carried} → {self.answered}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Routes on hosts of their own; `lines` are the routes as they are written."""

    name: str
    what: str
    hosts: tuple[str, ...]
    lines: tuple[str, ...]
    asked: tuple[Asked, ...]

    @property
    def source(self) -> str:
        """The file of these routes."""
        hosts = ", ".join(f'"{host}"' for host in self.hosts)
        return "\n".join((f"hosts: [{hosts}]", "defaults: {auth: none}", "routes:", *self.lines))


def cases() -> tuple[Case, ...]:
    """All of them, in order. Raises ValueError for one that cannot be read."""
    return tuple(_case(file) for file in sorted(CASES.glob("*.yaml")))


def table() -> str:
    """The table of the README."""
    rows = ["| what decides | routes | requests, and who answers |", "|---|---|---|"]
    for case in cases():
        routes = "<br>".join(f"`{line.strip().removeprefix('- ')}`" for line in case.lines)
        asked = "<br>".join(one.shown for one in case.asked)
        rows.append(f"| {case.what} | {_cell(routes)} | {_cell(asked)} |")
    return "\n".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _case(file: Path) -> Case:
    text = file.read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    lines = tuple(line for line in text.splitlines() if line.startswith("  - {"))
    name = file.stem.partition("-")[2]
    return Case(
        name=name,
        what=read["what"],
        hosts=tuple(read.get("hosts", (f"{name}.example",))),
        lines=lines,
        asked=tuple(_asked(file, one) for one in read["requests"]),
    )


def _asked(file: Path, text: str) -> Asked:
    found = _REQUEST.fullmatch(text)
    if found is None:
        raise ValueError(file.name, text)
    method, target, headers, answered = found.groups()
    return Asked(
        method=method,
        target=target,
        headers=tuple(_HEADER.findall(headers)),
        answered=answered,
    )
