"""What is served, as a part of the fleet's page: the version, each file, what stayed behind."""

from typing import Annotated

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from controlplane.isolation.isolated import Kept, KeptState
from controlplane.seen.served import Served
from controlplane.selection.chosen import FileState, FileView
from language.mistakes import Mistake
from language.report import visible, without_password

MESSAGE = 400
"""Characters of one message."""

SHOWN = 20
"""How many mistakes of one file are shown."""


@with_config(ConfigDict(strict=True))
class FileRecord(TypedDict):
    """One file: which content of it is served, and why it is not the one on disk.

    Each of `mistakes` starts with its place (`file:line:column`), a line of the file on disk.
    """

    file: str
    state: FileState
    mistakes: list[str]


@with_config(ConfigDict(strict=True))
class KeptRecord(TypedDict):
    """A part that Envoy refuses: it is at its `last good`, or `closed` and answers 503."""

    part: str
    state: KeptState
    places: list[str]
    why: str


@with_config(ConfigDict(strict=True))
class ServedRecord(TypedDict):
    """`version` is the number in the history (null: none is written), `content` the snapshot's.

    `servedFor` is in seconds, null where nothing is served yet. `pinned` is the version that a
    rollback went back to; null where the files say what is served.
    """

    version: int | None
    content: str
    servedFor: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    pinned: int | None
    files: list[FileRecord]
    kept: list[KeptRecord]


def served_json(served: Served, now: float) -> ServedRecord:
    """Give what is served as what `json.dumps` takes; `now`: Unix seconds."""
    return ServedRecord(
        version=served.number,
        content=served.content,
        servedFor=round(max(0.0, now - served.since), 3) if served.content else None,
        pinned=served.pinned,
        files=[_file(one) for one in served.files],
        kept=[_kept(one) for one in served.kept],
    )


def _file(one: FileView) -> FileRecord:
    wrong = [m for m in one.mistakes if m.severity == "error"]
    return FileRecord(
        file=visible(one.name),
        state=one.state,
        mistakes=[_line(mistake) for mistake in wrong[:SHOWN]],
    )


def _line(mistake: Mistake) -> str:
    return _text(f"{mistake.place}: {mistake.message}")


def _kept(one: Kept) -> KeptRecord:
    subject = one.subject
    return KeptRecord(
        part=_text(f"{subject.name}/{subject.part}" if subject.part else subject.name),
        state=one.state,
        places=[visible(str(place)) for place in one.places],
        why=_text(one.why),
    )


def _text(text: str) -> str:
    line = " ".join(without_password(text[: 2 * MESSAGE]).split())
    return visible(line if len(line) <= MESSAGE else line[:MESSAGE] + "…")
