"""Where the keys of an issuer come from: what the control plane fetches, and extauthz is served."""

import hashlib
from dataclasses import dataclass
from enum import Enum


class Origin(Enum):
    """How keys are found."""

    DISCOVERY = "discovery"
    """`at` is an issuer's URL: its metadata names the keys (OpenID Connect Discovery 1.0)."""
    URL = "url"
    """`at` is the URL of a JWK Set."""
    FILE = "file"
    """`at` is the path of a file with a JWK Set, seen from the folder of gateway.yaml."""
    INLINE = "inline"
    """`at` is the JWK Set itself, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """One source of keys. Two identities with the same one share it."""

    origin: Origin
    at: str

    @property
    def id(self) -> str:
        """What pipelines and resources call it: says nothing, changes with what it is."""
        return hashlib.sha256(f"{self.origin.value} {self.at}".encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """Name it; keys that stand in the file by their id alone."""
        if self.origin is Origin.INLINE:
            return f"keys {self.id}"
        return f"{self.origin.value} {self.at}"
