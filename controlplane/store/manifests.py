"""Sets of resources and builds as JSON, and back. Equal ones are the same bytes, by name too."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from controlplane.snapshot import SECRET, Reference, Resource, Subject
from controlplane.store.shapes import MalformedError, items, mapping, text, whole
from language.places import Place
from policies.auth.sources import KeySource, Origin

FORMAT = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Entry(NamedTuple):
    """A resource in a set: its body's digest and size in bytes.

    A secret's body is never stored: its digest is empty.
    """

    type_url: str
    name: str
    version: str
    needs: frozenset[Reference]
    body: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A snapshot by the digests of its sets."""

    version: str
    sets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is stored of a build."""

    snapshot: Listed | None
    services: Mapping[str, Listed]
    calls: frozenset[str]
    key_sources: tuple[KeySource, ...]
    keys_use_for_ms: int
    provenance: Mapping[Subject, tuple[Place, ...]]


def digest(data: bytes) -> str:
    """SHA-256 in hex: the name of a file with these bytes."""
    return hashlib.sha256(data).hexdigest()


def is_digest(name: str) -> bool:
    """Tell a name that `digest` gives from anything else, such as a path."""
    return _DIGEST.fullmatch(name) is not None


def entries(
    type_url: str, resources: Iterable[Resource], digested: Callable[[Resource], str]
) -> tuple[Entry, ...]:
    """Resources of one type as entries; `digested` gives the digest of a body."""
    secret = type_url == SECRET
    return tuple(
        Entry(
            type_url=type_url,
            name=one.name,
            version=one.version,
            needs=one.needs,
            body="" if secret else digested(one),
            size=0 if secret else len(one.body),
        )
        for one in resources
    )


def encode_set(type_url: str, listed: Iterable[Entry]) -> bytes:
    """Give a set of one type as JSON."""
    resources = [[e.name, e.version, e.body, e.size, sorted(e.needs)] for e in listed]
    return _encoded({"format": FORMAT, "type": type_url, "resources": resources})


def decode_set(data: bytes) -> tuple[Entry, ...]:
    """Read what `encode_set` gave. Raises MalformedError."""
    held = _object(data)
    type_url = text(held.get("type"))
    return tuple(_entry(type_url, one) for one in items(held.get("resources")))


def set_bodies(data: bytes) -> tuple[str, ...]:
    """Read no more of a set than the names of its bodies. Raises MalformedError."""
    resources = items(_object(data).get("resources"))
    return tuple(body for one in resources if (body := text(items(one, 5)[2])))


def encode_build(manifest: Manifest, lines: bytes | None = None) -> bytes:
    """Give a build as JSON; `lines` is what `encode_lines` gives for it, if that is known.

    They are most of it: 8 ms of 9 for 1,000 routes, and a build is written twice.
    """
    services = manifest.services.items()
    before = {
        "format": FORMAT,
        "calls": sorted(manifest.calls),
        "key_sources": [[one.origin.value, one.at] for one in manifest.key_sources],
        "keys_use_for_ms": manifest.keys_use_for_ms,
    }
    after = {
        "snapshot": None if manifest.snapshot is None else _listing(manifest.snapshot),
        "services": {role: _listing(one) for role, one in services},
    }
    written = encode_lines(manifest.provenance) if lines is None else lines
    # all keys in their order, as if it were encoded at once
    return b'%s,"provenance":%s,%s' % (_encoded(before)[:-1], written, _encoded(after)[1:])


def encode_lines(provenance: Mapping[Subject, tuple[Place, ...]]) -> bytes:
    """Give the provenance in a build as JSON."""
    return b"[%s]" % b",".join(encode_line(at, provenance[at]) for at in sorted(provenance))


def encode_line(at: Subject, places: tuple[Place, ...]) -> bytes:
    """Give the origin of one part as JSON, as it stands in a build."""
    return _encoded([*at, places])


def decode_build(data: bytes) -> Manifest:
    """Read what `encode_build` gave. Raises MalformedError."""
    held = _object(data)
    snapshot, services = held.get("snapshot"), held.get("services")
    return Manifest(
        snapshot=None if snapshot is None else _listed(snapshot),
        services={role: _listed(one) for role, one in mapping(services).items()},
        calls=frozenset(text(role) for role in items(held.get("calls"))),
        key_sources=tuple(_key_source(one) for one in items(held.get("key_sources"))),
        keys_use_for_ms=whole(held.get("keys_use_for_ms")),
        provenance=dict(_origin(one) for one in items(held.get("provenance"))),
    )


def _encoded(held: object) -> bytes:
    return json.dumps(held, sort_keys=True, separators=(",", ":")).encode()


def _listing(one: Listed) -> object:
    return {"version": one.version, "sets": one.sets}


def _object(data: bytes) -> dict[str, Any]:
    try:
        held = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedError("no JSON") from error
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise MalformedError("format")
    return held


def _entry(type_url: str, held: object) -> Entry:
    name, version, body, size, needs = items(held, 5)
    if body and not is_digest(text(body)):
        raise MalformedError("body")
    return Entry(
        type_url=type_url,
        name=text(name),
        version=text(version),
        needs=frozenset(Reference(*map(text, items(one, 2))) for one in items(needs)),
        body=text(body),
        size=whole(size),
    )


def _listed(held: object) -> Listed:
    one = mapping(held)
    sets = tuple(map(text, items(one.get("sets"))))
    if not all(map(is_digest, sets)):
        raise MalformedError("sets")
    return Listed(version=text(one.get("version")), sets=sets)


def _key_source(held: object) -> KeySource:
    origin, at = map(text, items(held, 2))
    try:
        return KeySource(origin=Origin(origin), at=at)
    except ValueError as error:
        raise MalformedError("key source") from error


def _origin(held: object) -> tuple[Subject, tuple[Place, ...]]:
    type_url, name, part, places = items(held, 4)
    return Subject(text(type_url), text(name), text(part)), tuple(map(_place, items(places)))


def _place(held: object) -> Place:
    file, line, column = items(held, 3)
    return Place(text(file), whole(line), whole(column))
