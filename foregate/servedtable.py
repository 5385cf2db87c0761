"""What is served, for people: the version, and of the files only those that are not as on disk."""

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from controlplane.seen.servedpage import ServedRecord
from language.report import visible

_STYLES = {"last good": "yellow", "not served": "red", "closed": "red"}


def show_served(served: ServedRecord, console: Console) -> None:
    """Print it, as wide as the console is."""
    console.print(Text(_first(served)))
    for indent, line in _behind(served):
        console.print(Padding(line, (0, 0, 0, indent), expand=False))


def _first(served: ServedRecord) -> str:
    if not served["content"]:
        return "nothing is served yet"
    number = served["version"]
    name = f"version {number}" if number is not None else f"version {visible(served['content'])}"
    if served["pinned"] is not None:
        return f"{name} is served: a rollback to {served['pinned']}, until the files change"
    behind = sum(one["state"] != "current" for one in served["files"])
    files = len(served["files"])
    if behind:
        return f"{name} is served, with {behind} of {files} files not as they are on disk"
    return f"{name} is served"


def _behind(served: ServedRecord) -> Iterator[tuple[int, Text]]:
    for one in served["files"]:
        if one["state"] != "current":
            yield 2, _state(visible(one["file"]), one["state"])
            for line in one["mistakes"]:
                yield 4, Text(visible(line))
    for part in served["kept"]:
        where = ", ".join(map(visible, part["places"])) or visible(part["part"])
        yield 2, _state(f"{where}: Envoy refuses this", part["state"])
        yield 4, Text(visible(part["why"]))


def _state(text: str, state: str) -> Text:
    return Text.assemble(text, "  ", (state, _STYLES.get(state, "")))
