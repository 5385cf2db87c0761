"""A fleet for people: a line a node, what it refuses below it, and how many are live.

Where a terminal is too narrow for the lines, each node is a paragraph. What nodes say of themselves
is made visible once more here: whatever answers on the port may not be our control plane.
"""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from controlplane.seen.page import STATES, FleetRecord, NodeRecord, TypeRecord, refuses
from foregate.columns import GAP, cell, line
from language.report import visible

_HEAD = ("NODE", "ROLE", "GROUP", "SOFTWARE", "STATE", "VERSION", "LAST ACK")
_STATE = _HEAD.index("STATE")
_VERSION = 8  # characters of a version that tell it from others
_PLACES = 3  # further places of a refusal; the first says what to mend
_STYLES = {"live": "green", "waiting": "yellow", "late": "yellow", "rejected": "red", "gone": "red"}


def show(fleet: FleetRecord, console: Console) -> None:
    """Print a fleet, as wide as the console is."""
    rows = [_cells(node) for node in fleet["nodes"]]
    widths = [max(map(cell_len, column)) for column in zip(_HEAD, *rows, strict=True)]
    narrow = sum(widths) + GAP * (len(widths) - 1) > console.width
    if rows and not narrow:
        console.print(Text(line(_HEAD, widths), style="bold"))
    for node, row in zip(fleet["nodes"], rows, strict=True):
        for shown in _paragraph(row) if narrow else [_row(row, widths, node)]:
            console.print(shown)
        for name, one in node["types"].items():
            if refuses(one):
                for indent, told in _refusal(name, one):
                    console.print(Padding(told, (0, 0, 0, indent), expand=False))
    console.print(Text(_summary(fleet)))


def age(seconds: float | None) -> str:
    """Give an age in one unit, `-` for never."""
    if seconds is None:
        return "-"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def _cells(node: NodeRecord) -> tuple[str, ...]:
    acks = [t["ackedAgo"] for t in node["types"].values() if t["ackedAgo"] is not None]
    state = node["state"]
    return (
        cell(node["node"]),
        cell(node["role"]),
        cell(node["group"]),
        cell(node["software"]),
        f"{state} ({node['phase']})" if state in ("waiting", "late") else state,
        cell(node["version"][:_VERSION]),
        age(min(acks, default=None)),
    )


def _row(row: Sequence[str], widths: Sequence[int], node: NodeRecord) -> Text:
    shown = Text(line(row, widths))
    at = len(line(row[:_STATE], widths[:_STATE], last=True)) + GAP
    shown.stylize(_STYLES[node["state"]], at, at + len(row[_STATE]))
    return shown


def _paragraph(row: Sequence[str]) -> Iterator[Text | Padding]:
    node, role, group, software, state, version, acked = row
    yield Text(node, style="bold")
    said = Text(f"{state}, {role}, group {group}, {software}, version {version}, last ACK {acked}")
    said.stylize(_STYLES[state.partition(" ")[0]], 0, len(state))
    yield Padding(said, (0, 0, 0, 2), expand=False)


def _refusal(name: str, one: TypeRecord) -> Iterator[tuple[int, Text]]:
    """A refusal as mistakes are told elsewhere, first its place, with the indent of each line."""
    places = [visible(place) for place in one["places"]]
    first = Text(f"{places[0]}: " if places else "", style="bold")
    first.append(f"{visible(name)} refused: ", style="not bold red")
    first.append(visible(one["message"]) or "the node does not say why", style="not bold")
    yield 2, first
    for place in places[1 : _PLACES + 1]:
        yield 4, Text(f"also at {place}")
    if len(places) > _PLACES + 1:
        yield 4, Text(f"… and {len(places) - _PLACES - 1} more places")


def _summary(fleet: FleetRecord) -> str:
    states = [node["state"] for node in fleet["nodes"]]
    if not states:
        return "no node is connected"
    counts = [f"{states.count(state)} {state}" for state in STATES if state in states]
    return f"{len(states)} node{'' if len(states) == 1 else 's'}: {', '.join(counts)}"
