"""A history as JSON; these keys are a promise to scripts."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NotRequired, TypedDict

from controlplane.history.version import Version
from language.report import without_password


class FileRecord(TypedDict):
    """A file of a version; `content` only where it was asked for, and it was served."""

    name: str
    home: str
    state: str
    sha256: str
    content: NotRequired[str]


class PartRecord(TypedDict):
    """What stayed behind."""

    name: str
    state: str
    places: list[str]
    why: str


class NodeFateRecord(TypedDict):
    """What a node had of it."""

    state: str
    at: float


class VersionRecord(TypedDict):
    """A version. `changed` are its files that the one before it had not, or not so."""

    number: int
    at: float
    content: str
    fate: str
    kind: str
    of: int | None
    by: str
    author: str
    commit: str
    proof: str
    lifted: list[str]
    changed: list[str]
    files: list[FileRecord]
    parts: list[PartRecord]
    nodes: dict[str, NodeFateRecord]


def changed(version: Version, before: Version | None) -> tuple[str, ...]:
    """Say which files differ from those of the version before; all of them without one."""
    now = {one.home: (one.digest, one.state) for one in version.note.files}
    last = {one.home: (one.digest, one.state) for one in before.note.files} if before else {}
    return tuple(sorted(n for n in {*now, *last} if now.get(n) != last.get(n)))


def as_json(
    version: Version, before: Version | None, contents: Mapping[str, str] | None = None
) -> VersionRecord:
    """Give a version as what `json.dumps` takes; `contents` of files by their homes."""
    note = version.note
    return VersionRecord(
        number=version.number,
        at=version.at,
        content=version.content,
        fate=version.fate,
        kind=note.kind,
        of=note.of,
        by=note.by,
        author=note.author,
        commit=note.commit,
        proof=without_password(note.proof),
        lifted=[without_password(one) for one in note.lifted],
        changed=list(changed(version, before)),
        files=_files(version, contents or {}),
        parts=[
            PartRecord(
                name=one.name,
                state=one.state,
                places=list(one.places),
                why=without_password(one.why),
            )
            for one in note.parts
        ],
        nodes={
            name: NodeFateRecord(state=one.state, at=one.at)
            for name, one in sorted(version.nodes.items())
        },
    )


def befores(versions: Sequence[Version]) -> Mapping[int, Version]:
    """Give for each number the version before it, where that is there; the newest is first."""
    return {new.number: old for new, old in pairwise(versions)}


def _files(version: Version, contents: Mapping[str, str]) -> list[FileRecord]:
    out = []
    for one in version.note.files:
        record = FileRecord(name=one.name, home=one.home, state=one.state, sha256=one.digest)
        if one.home in contents:
            record["content"] = contents[one.home]
        out.append(record)
    return out
