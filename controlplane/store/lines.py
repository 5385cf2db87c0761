"""Lines of files that grow: a checksum, a space and JSON each, so a torn one is known."""

import json
import math
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from controlplane.store.manifests import digest, is_digest

_CHECKSUM = 16
"""Hex digits."""


class Defined(NamedTuple):
    """Sets that a node may hold all at once, under an id that later lines name."""

    id: str
    sets: tuple[str, ...]


class Held(NamedTuple):
    """From `at` on (Unix seconds) a node may hold what is defined under `id`, and nothing else."""

    at: float
    node: str
    id: str


Line: TypeAlias = Defined | Held


def defined(sets: tuple[str, ...]) -> Defined:
    """Sets with their id, which is made of them."""
    return Defined(digest(" ".join(sets).encode())[:32], sets)


def encode(line: Line) -> bytes:
    """Give a line of the journal."""
    return encoded(line)


def decode(data: bytes) -> Line | None:
    """Read one line of the journal without its break; None if it is torn, foreign or garbage."""
    match decoded(data):
        case [str(name), [*sets]] if all(isinstance(s, str) and is_digest(s) for s in sets):
            line = defined(tuple(map(str, sets)))
            return line if line.id == name else None
        case [float() | int() as at, str(node), str(name)] if math.isfinite(at):
            return Held(float(at), node, name)
    return None


def encoded(held: object) -> bytes:
    """Give any JSON as a line. It starts with a line break, as what stands before may be torn."""
    text = json.dumps(held, separators=(",", ":")).encode()
    return b"\n%s %s\n" % (_checksum(text), text)


def decoded(data: bytes) -> object:
    """Read what `encoded` gave, without its breaks; None if it is torn, foreign or garbage."""
    checksum, _, text = data.partition(b" ")
    if checksum != _checksum(text):
        return None
    try:
        held: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return held


def whole(data: bytes) -> int:
    """How many bytes of what was read are whole lines."""
    return data.rfind(b"\n") + 1


def split(data: bytes) -> Iterable[bytes]:
    """Lines without breaks; the empty ones between them are none."""
    return filter(None, data.split(b"\n"))


def _checksum(text: bytes) -> bytes:
    return digest(text)[:_CHECKSUM].encode()
