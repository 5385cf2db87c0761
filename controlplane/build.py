"""The whole pure way in one call: source files in; plan, snapshot, provenance and mistakes out."""

from collections.abc import Mapping
from dataclasses import dataclass

from controlplane.snapshot import Snapshot, Subject
from controlplane.sources import SourceFile
from language.mistakes import Mistake
from language.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a build takes from its surroundings and not from the files.

    `loopback`: listen on 127.0.0.1 where the file names only a port (`foregate dev`).
    `trust_store`: the file of certificate authorities that `https` backends are verified with.
    """

    loopback: bool = False
    trust_store: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What files compile to. `snapshot` is None as long as there is an error among `mistakes`."""

    sources: tuple[SourceFile, ...]
    mistakes: tuple[Mistake, ...]
    snapshot: Snapshot | None
    provenance: Mapping[Subject, tuple[Place, ...]]


def build(sources: tuple[SourceFile, ...], options: Options) -> Build:
    """Read, check, plan and compile. Never raises for what a user wrote."""
    raise NotImplementedError
