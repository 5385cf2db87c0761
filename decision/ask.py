"""What a decision asks its shell, and what the shell answers: no decision does I/O itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysOf:
    """The keys of this source are wanted. Answered by IssuerKeys, or UNAVAILABLE."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderOf:
    """Who holds the key with this SHA-256 (32 bytes), at an identity of kind apiKey, is wanted.

    Answered by a Holder, by NOBODY, or by UNAVAILABLE where no consumers are known yet.
    """

    identity: str
    sha256: bytes


Question: TypeAlias = KeysOf | HolderOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The decision needs an answer; it is made again once that stands among the answers."""

    question: Question


class VerificationKey(Protocol):
    """A public key that may be used to verify signatures of one algorithm (RFC 7518 section 3)."""

    @property
    def kid(self) -> str | None:
        """The name that tokens use for it."""

    @property
    def algorithm(self) -> str:
        """The one `alg` that it is used for."""

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        """Say whether the signature is this key's over these bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerKeys:
    """The usable keys of a source: fetched at (seconds since the epoch), for use in seconds.

    `use_for` 0: they never get stale.
    """

    keys: tuple[VerificationKey, ...]
    fetched_at: float
    use_for: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds an API key, and what it may be used for."""

    consumer: str
    scopes: tuple[str, ...]


class Missing(Enum):
    """Answers that hold nothing."""

    NOBODY = "nobody"
    """It is known that there is none."""
    UNAVAILABLE = "unavailable"
    """It is not known: our fault, not the client's."""


Answer: TypeAlias = IssuerKeys | Holder | Missing
Answers: TypeAlias = Mapping[Question, Answer]
