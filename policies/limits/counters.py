"""Limits as they are counted: which counter each has, whoever writes it and wherever it stands."""

import hashlib
import json
from dataclasses import dataclass
from typing import TypeAlias

from policies.limits.rate import Rate

RATE = "rate"
"""The kind of a limit whose bucket refills evenly. Later kinds count beside it."""

BEFORE = frozenset({"ip", "route", "global"})
"""What is counted before it is known who asks; all else is counted after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The home of a limit in `defaults`: its file, as seen from gateway.yaml."""

    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """The home of a route's own limit: the hosts and the path of the route."""

    hosts: tuple[str, ...]
    path: str


Home: TypeAlias = Shared | Alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One limit with the identity of its counter; `name` is what clients read of it."""

    id: str
    name: str
    per: str
    rate: Rate
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What a route counts: its own limits, and those that it keeps of the inherited ones.

    `inherited`: all of them stand in `defaults`.
    """

    own: tuple[Counter, ...]
    kept: tuple[Counter, ...] = ()
    inherited: bool = False

    @property
    def all(self) -> tuple[Counter, ...]:
        """Every one, the kept ones first."""
        return (*self.kept, *self.own)

    def path(self, position: int) -> tuple[str | int, ...]:
        """Where one of the own is written."""
        return ("add", position) if self.kept else (position,)


def identity(home: Home, per: str, unit: str) -> str:
    """The identity of a counter: what a change of its amount or place in the file leaves alone.

    Whoever changes what is hashed here empties every counter there is.
    """
    where = [home.file] if isinstance(home, Shared) else [sorted(set(home.hosts)), home.path]
    text = json.dumps([type(home).__name__, where, per, RATE, unit], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
