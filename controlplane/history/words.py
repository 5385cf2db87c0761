"""What is written of a version, as JSON, and back: first what it is, then each word on its fate.

The last word on the fate counts, whichever replica says it, and for each node the last on it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, get_args

from controlplane.history.version import (
    Fate,
    KeptFile,
    KeptPart,
    Kind,
    NodeFate,
    Note,
    Version,
)
from controlplane.isolation.isolated import KeptState
from controlplane.selection.chosen import FileState
from controlplane.store.manifests import is_digest
from controlplane.store.shapes import MalformedError, items, mapping, seconds, text, whole

T = TypeVar("T")

NODES = 1_000
"""Nodes that are noted of one version."""

_KINDS: Mapping[str, Kind] = {one: one for one in get_args(Kind)}
_FATES: Mapping[str, Fate] = {one: one for one in get_args(Fate)}
_FILE_STATES: Mapping[str, FileState] = {one: one for one in get_args(FileState)}
_KEPT_STATES: Mapping[str, KeptState] = {one: one for one in get_args(KeptState)}


def recorded(version: Version, answers: tuple[str, ...]) -> object:
    """Give the line of what a version is; the contents of its files are not in it.

    `answers` are the digests of the sets that it has to be answered for by.
    """
    note = version.note
    return {
        "number": version.number,
        "at": version.at,
        "content": version.content,
        "build": version.build,
        "answers": list(answers),
        "seen": note.seen,
        "files": [[f.name, f.home, f.state, f.digest] for f in note.files],
        "kind": note.kind,
        "of": note.of,
        "author": note.author,
        "commit": note.commit,
        "proof": note.proof,
        "by": note.by,
        "lifted": list(note.lifted),
        "parts": [[p.name, p.state, list(p.places), p.why] for p in note.parts],
    }


def settled(fate: Fate, nodes: Mapping[str, NodeFate]) -> object:
    """Give the line of a word on the fate of a version."""
    return {"fate": fate, "nodes": [[n, one.state, one.at] for n, one in nodes.items()]}


def version(number: int, lines: Iterable[object]) -> Version | None:
    """Read a version of this number; None where no line says what it is, or another number."""
    found: Version | None = None
    fate: Fate = "published"
    nodes: dict[str, NodeFate] = {}
    for line in lines:
        try:
            held = mapping(line)
            if "fate" in held:
                fate = _one_of(_FATES, held["fate"])
                nodes.update(map(_node, items(held.get("nodes"))))
            elif held.get("number") == number:
                found = _version(held)
        except MalformedError:  # a line of a later release: the others stand
            continue
    return None if found is None else replace(found, fate=fate, nodes=_kept(nodes, {}))


def answers(number: int, lines: Iterable[object]) -> tuple[str, ...]:
    """Read the sets that a version of this number has to be answered for by."""
    for line in lines:
        match line:
            case {"number": said, "answers": [*sets]} if said == number:
                return tuple(one for one in sets if isinstance(one, str) and is_digest(one))
    return ()


def news(
    version: Version, fate: Fate, nodes: Mapping[str, NodeFate]
) -> tuple[Fate, Mapping[str, NodeFate]] | None:
    """Give what of a word on the fate is not known yet; None where all of it is.

    That something is on offer takes back no other word. Nodes for which there is no room are none.
    """
    fate = version.fate if fate == "published" else fate
    kept = _kept({**version.nodes, **nodes}, version.nodes)
    new = {
        name: one
        for name, one in nodes.items()
        if name in kept and (name not in version.nodes or version.nodes[name].state != one.state)
    }
    return None if fate == version.fate and not new else (fate, new)


def _kept(nodes: Mapping[str, NodeFate], known: Mapping[str, NodeFate]) -> Mapping[str, NodeFate]:
    """Give the nodes that stay noted: those that have not gone, of these the newest.

    Of those that are as new, those that are known: in a large fleet not others each time.
    """
    if len(nodes) <= NODES:
        return nodes
    order = sorted(
        nodes, key=lambda name: (nodes[name].state == "gone", -nodes[name].at, name not in known)
    )
    return {name: nodes[name] for name in order[:NODES]}


def _version(held: dict[str, Any]) -> Version:
    build = text(held.get("build"))
    if not is_digest(build):
        raise MalformedError("build")
    of = held.get("of")
    return Version(
        number=whole(held.get("number")),
        at=seconds(held.get("at")),
        content=text(held.get("content")),
        build=build,
        note=Note(
            seen=text(held.get("seen")),
            files=tuple(map(_file, items(held.get("files")))),
            kind=_one_of(_KINDS, held.get("kind")),
            of=None if of is None else whole(of),
            author=text(held.get("author")),
            commit=text(held.get("commit")),
            proof=text(held.get("proof")),
            by=text(held.get("by")),
            lifted=tuple(map(text, items(held.get("lifted")))),
            parts=tuple(map(_part, items(held.get("parts")))),
        ),
    )


def _file(held: object) -> KeptFile:
    name, home, state, body = items(held, 4)
    if body and not is_digest(text(body)):
        raise MalformedError("file")
    return KeptFile(
        name=text(name),
        home=text(home),
        data=b"",
        state=_one_of(_FILE_STATES, state),
        digest=text(body),
    )


def _part(held: object) -> KeptPart:
    name, state, places, why = items(held, 4)
    return KeptPart(
        name=text(name),
        state=_one_of(_KEPT_STATES, state),
        places=tuple(map(text, items(places))),
        why=text(why),
    )


def _node(held: object) -> tuple[str, NodeFate]:
    name, state, at = items(held, 3)
    return text(name), NodeFate(state=text(state), at=seconds(at))


def _one_of(known: Mapping[str, T], held: object) -> T:
    found = known.get(text(held))
    if found is None:
        raise MalformedError("word")
    return found
