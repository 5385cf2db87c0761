"""Credentials to try a gateway of `dev` with: published demo keys, and tokens of the demo issuer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

DEMO_KEYS = ("fg_demo_acme_not_a_secret", "fg_demo_bob_not_a_secret")
"""The keys of the examples. Everybody knows them: they are for one's own machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What can be sent: demo keys by the hash that a file lists, and one token of the issuer."""

    keys: Mapping[bytes, str]
    issuer: str = ""
    token: str = ""


def demo_keys() -> Mapping[bytes, str]:
    """The demo keys by their SHA-256."""
    return {hashlib.sha256(key.encode()).digest(): key for key in DEMO_KEYS}
