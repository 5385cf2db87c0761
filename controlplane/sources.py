"""The files of a gateway: read once, then values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file as it was read: `name` is how messages name it, `data` its bytes."""

    name: str
    data: bytes
