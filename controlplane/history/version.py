"""The nouns of the history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from controlplane.isolation.isolated import KeptState
from controlplane.selection.chosen import FileState

Kind = Literal["files", "rollback"]
"""`files`: the sources said so. `rollback`: somebody asked for an older version."""

Fate = Literal["published", "live", "rejected"]
"""`published`: it is on offer. `live`: all nodes that were there have it. `rejected`: a node or
service refused it, and it was taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of a version: `data` is what was served of it, empty where it was not served.

    One that is `not served` and has data is held: its routes answer 503. `digest` is the SHA-256 of
    the data in hex, filled in by the history; empty where there is none.
    """

    name: str
    home: str
    data: bytes
    state: FileState
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPart:
    """A part of a version that Envoy refused: what it is called, its lines, Envoy's words."""

    name: str
    state: KeptState
    places: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is known of a version when it is published.

    `seen` is the fingerprint of the sources as they were read (replicas with the same files have
    the same), `author` and `commit` are git's, empty where it knows none. `proof` says in words
    what proved it, `by` who asked for it (a user of `foregate push` or `rollback`; empty: a save),
    `lifted` what the brake would have held and was let through. `of` is the version that a
    rollback goes back to.
    """

    seen: str
    files: tuple[KeptFile, ...]
    kind: Kind = "files"
    of: int | None = None
    author: str = ""
    commit: str = ""
    proof: str = ""
    by: str = ""
    lifted: tuple[str, ...] = ()
    parts: tuple[KeptPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFate:
    """What a node had of a version when that was last noted: its state, and since when (Unix)."""

    state: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the history.

    `number` counts from 1 over all replicas of a state folder, `at` is Unix seconds, `content` the
    snapshot's version, `build` the digest of what is stored of it. The `data` of its files is
    empty: `History.files` has it.
    """

    number: int
    at: float
    content: str
    build: str
    note: Note
    fate: Fate = "published"
    nodes: Mapping[str, NodeFate] = field(default_factory=dict)
