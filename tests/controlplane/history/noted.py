"""Notes of numbered builds: what a test finds in a history says which one it is."""

from controlplane.history.version import KeptFile, KeptPart, Note, Version
from tests.controlplane.store.numbered import numbered


def contents(number: int) -> bytes:
    """A file, long enough to be compressed."""
    return f"version: 1  # {number}\n".encode() + b"# the same line in every version\n" * 20


def note(number: int) -> Note:
    return Note(
        seen=f"seen {number}",
        files=(
            KeptFile(
                name="/etc/g/gateway.yaml",
                home="gateway.yaml",
                data=contents(number),
                state="current",
            ),
            KeptFile(name="/etc/g/a.yaml", home="a.yaml", data=b"", state="not served"),
        ),
        author="Ada <ada@example.com>",
        commit=f"{number:040x}",
        proof="proved by envoy/1.40.0",
        by="ada",
        lifted=("2 routes",),
        parts=(KeptPart(name="*/r-1", state="closed", places=("a.yaml:3:1",), why="no"),),
    )


def number_of(version: Version) -> int:
    """Which build and note a version was made of; it must be all of one."""
    number = int(version.note.seen.removeprefix("seen "))
    assert version.note.commit == note(number).commit
    snapshot = numbered(number).snapshot
    assert snapshot is not None
    assert version.content == snapshot.version
    return number
