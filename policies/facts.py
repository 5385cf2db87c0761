"""What a policy may know of what its settings stand on, and of all that is around them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from language.paths import PathPattern

Settings: TypeAlias = Any
"""A policy's own settings: each key's type is known to its folder alone."""

Names: TypeAlias = Mapping[str, Mapping[str, Settings]]
"""The settings of all named things, by kind (`identities`) and name."""


class Action(Enum):
    """What a route does with a request; the value is the key that says so."""

    FORWARD = "to"
    REDIRECT = "redirect"
    RESPOND = "respond"


EVERY_ACTION = frozenset(Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFacts:
    """What a policy may know of the route it stands on; no `methods` are all of them.

    A `stream` goes on as long as something moves: `timeout` is idle time there. `targets` are the
    backends that it forwards to, also those of weight 0.
    """

    path: PathPattern
    methods: tuple[str, ...]
    grpc: bool = False
    stream: bool = False
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendFacts:
    """What a policy may know of the backend it stands on; `authority` is host and port.

    `by_name`: DNS finds its endpoints. `first` and `failover` are how many of each are written.
    """

    authority: str
    http2: bool
    tls: bool = False
    by_name: bool = False
    first: int = 1
    failover: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFacts:
    """What a policy may know of a thing that a file names.

    `folder` is that of its file, seen from the folder of gateway.yaml.
    """

    name: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a route's settings are resolved with, once every file is read.

    `names` are all named things by kind and name, with their settings. `file` is the one that the
    settings stand in, seen from the folder of gateway.yaml, with its `hosts`; `path` is the
    route's, empty where they are inherited: what is inherited is resolved once for all routes.
    """

    names: Names
    file: str
    hosts: tuple[str, ...]
    path: str
    inherited: bool
