"""A history for people: a line a version, and a page of one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from controlplane.history.version import Version
from controlplane.history.words import NODES
from foregate.columns import GAP, cell, line
from foregate.historypage import befores, changed
from language.report import visible, without_password

_HEAD = ("NUMBER", "TIME", "WHO", "COMMIT", "CHANGED", "PROOF", "FATE", "NODES")
_FATE = _HEAD.index("FATE")
_STYLES = {"live": "green", "published": "yellow", "rejected": "red"}
_COMMIT = 8  # characters of a commit that tell it from others
_NAMED = 2  # files that are named; then they are counted


def show_all(versions: Sequence[Version], shown: int, console: Console) -> None:
    """Print the first so many versions; the newest is first. The one behind them is compared."""
    before = befores(versions)
    listed = versions[:shown]
    rows = [_cells(one, before.get(one.number)) for one in listed]
    widths = [max(map(cell_len, column)) for column in zip(_HEAD, *rows, strict=True)]
    narrow = sum(widths) + GAP * (len(widths) - 1) > console.width
    if rows and not narrow:
        console.print(Text(line(_HEAD, widths), style="bold"))
    for one, row in zip(listed, rows, strict=True):
        for part in _paragraph(one, row) if narrow else [_row(one, row, widths)]:
            console.print(part)
        if stayed(one):
            words = f"{stayed(one)} stayed behind: foregate show {one.number}"
            console.print(Padding(Text(words), (0, 0, 0, 2), expand=False))


def show_one(version: Version, contents: Mapping[str, str] | None, console: Console) -> None:
    """Print all about one version, with the contents of its files by their homes."""
    for indent, text in _page(version, contents or {}):
        console.print(Padding(text, (0, 0, 0, indent), expand=False))


def stayed(version: Version) -> str:
    """Say how much is not as the files say, empty where all is."""
    files = sum(one.state != "current" for one in version.note.files)
    counts = (files, "file"), (len(version.note.parts), "part")
    return " and ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in counts if n)


def moment(at: float) -> str:
    """Give a time as the reader's clock shows it."""
    try:
        return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # of a clock that was far off
        return f"{at:g}"


def _cells(one: Version, before: Version | None) -> tuple[str, ...]:
    return (
        str(one.number),
        moment(one.at),
        cell(one.note.by or one.note.author),
        cell(_short(one.note.commit)),
        cell(_changed(one, before)),
        cell(without_password(one.note.proof)),
        one.fate,
        cell(_counted(one)),
    )


def _short(commit: str) -> str:
    name, plus, dirty = commit.partition("+")
    return name[:_COMMIT] + plus + dirty


def _changed(one: Version, before: Version | None) -> str:
    if one.note.kind == "rollback":
        return f"back to {one.note.of}"
    names = changed(one, before)
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{len(names)} files"


def _counted(one: Version) -> str:
    states = Counter(node.state for node in one.nodes.values())
    words = [f"{count} {state}" for state, count in sorted(states.items())]
    return ", ".join([*words, "…"] if len(one.nodes) >= NODES else words)


def _row(one: Version, row: Sequence[str], widths: Sequence[int]) -> Text:
    shown = Text(line(row, widths))
    at = len(line(row[:_FATE], widths[:_FATE], last=True)) + GAP
    shown.stylize(_STYLES[one.fate], at, at + len(one.fate))
    return shown


def _paragraph(one: Version, row: Sequence[str]) -> Iterator[Text | Padding]:
    number, time, who, commit, files, proof, fate, nodes = row
    yield Text(f"{number}  {time}", style="bold")
    words = f"{fate}, by {who}, commit {commit}, changed {files}, {proof}, nodes: {nodes}"
    said = Text(words)
    said.stylize(_STYLES[one.fate], 0, len(fate))
    yield Padding(said, (0, 0, 0, 2), expand=False)


def _page(one: Version, contents: Mapping[str, str]) -> Iterator[tuple[int, Text]]:
    head = Text(f"version {one.number}: ", style="bold")
    head.append(one.fate, style=f"not bold {_STYLES[one.fate]}")
    yield 0, head
    note = one.note
    told = (
        ("published", moment(one.at)),
        ("asked for by", note.by),
        ("author", note.author),
        ("commit", note.commit),
        ("content", one.content),
        ("went back to", "" if note.of is None else str(note.of)),
        ("proof", note.proof),
        *(("let through", words) for words in note.lifted),
    )
    for name, words in told:
        if words:
            yield 2, Text(f"{name}: {_visible(words)}")
    yield 0, Text("files:", style="bold")
    for file in note.files:
        yield 2, Text(f"{_visible(file.home)}: {file.state}")
        for each in contents.get(file.home, "").splitlines():
            yield 4, Text(_visible(each))
    if note.parts:
        yield 0, Text("stayed behind:", style="bold")
    for part in note.parts:
        at = ", ".join(map(_visible, part.places))
        where = f" at {at}" if at else ""
        yield 2, Text(f"{_visible(part.name)}: {part.state}{where}: {_visible(part.why)}")
    if one.nodes:
        yield 0, Text("nodes:", style="bold")
    for name, node in sorted(one.nodes.items()):
        yield 2, Text(f"{_visible(name)}: {_visible(node.state)} since {moment(node.at)}")


def _visible(text: str) -> str:
    return visible(without_password(text))
