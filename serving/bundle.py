"""Everything that a service was given, as values, and as the Bundle that holds it in a file."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.any_pb2 import Any
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError

# The messages below stand in the JSON of a Bundle, each in an Any: protobuf must know them.
from protos import auth_pb2 as _auth
from protos import limits_pb2 as _limits
from protos.services_pb2 import Bundle, Item
from serving.service import Update

_KNOWN = (_auth.DESCRIPTOR, _limits.DESCRIPTOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource: the serialized message, and the version under which it came."""

    version: str
    body: bytes


Holding: TypeAlias = Mapping[str, Mapping[str, Resource]]
"""Resources by type URL and name."""


class BundleError(Exception):
    """Bytes that are no Bundle. `message` says why and holds nothing of the content."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def to_bytes(holding: Holding) -> bytes:
    """Write a holding as a binary Bundle; equal holdings give equal bytes."""
    items = [
        Item(
            name=name,
            version=one.version,
            resource=Any(type_url=type_url, value=one.body),
        )
        for type_url, group in sorted(holding.items())
        for name, one in sorted(group.items())
    ]
    return Bundle(items=items).SerializeToString(deterministic=True)


def from_bytes(data: bytes) -> Holding:
    """Read a binary Bundle. Raises BundleError."""
    try:
        return _holding(Bundle.FromString(data).items)
    except DecodeError:
        raise BundleError("it is no Bundle") from None


def from_json(data: bytes) -> Holding:
    """Read a Bundle in protobuf's JSON. Raises BundleError.

    A version that is not given is the hash of the body.
    """
    try:
        bundle = Parse(data, Bundle())
    except (ParseError, UnicodeDecodeError, RecursionError) as error:
        # ParseError quotes values: only the first line, cut, goes into logs. Key hashes are
        # bytes fields, and of those it tells no more than that they are not base64.
        why = str(error).partition("\n")[0][:200]
        raise BundleError(f"it is no Bundle in JSON: {why}") from None
    return _holding(bundle.items)


def updates(before: Holding, after: Holding, types: Iterable[str]) -> tuple[Update, ...]:
    """Say for each type, in this order, what has changed; one is there even if nothing has."""
    return tuple(
        Update(
            type_url=t,
            changed={
                n: r.body for n, r in after.get(t, {}).items() if before.get(t, {}).get(n) != r
            },
            removed=frozenset(before.get(t, {}).keys() - after.get(t, {}).keys()),
        )
        for t in types
    )


def _holding(items: Iterable[Item]) -> Holding:
    holding: dict[str, dict[str, Resource]] = {}
    for item in items:
        type_url, body = item.resource.type_url, item.resource.value
        if not type_url or not item.name:
            raise BundleError("an item has no name or no resource")
        group = holding.setdefault(type_url, {})
        if item.name in group:
            raise BundleError(f"{type_url.rpartition('.')[2]} {item.name!r} is there twice")
        version = item.version or hashlib.sha256(body).hexdigest()[:16]
        group[item.name] = Resource(version=version, body=body)
    return holding
