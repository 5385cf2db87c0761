"""What a policy folder gives: its keys with their settings (`spec.KEYS`), and functions to Envoy.

`spec.py` names `KEYS`. `envoy.py`, where a key has an effect in Envoy, names
`ROUTE`: key to `RouteStep`, `CLUSTER`: key to `ClusterStep`, and `FILTERS`: slot to HTTP filter.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import TypeForm

from language.paths import PathPattern

if TYPE_CHECKING:  # the protobuf modules stay away from those who only want settings
    from envoy.config.cluster.v3.cluster_pb2 import Cluster
    from envoy.config.route.v3.route_components_pb2 import Route

Settings: TypeAlias = Any
"""A policy's own settings: each key's type is known to its folder alone."""


class Action(Enum):
    """What a route does with a request; the value is the key that says so."""

    FORWARD = "to"
    REDIRECT = "redirect"
    RESPOND = "respond"


EVERY_ACTION = frozenset(Action)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFacts:
    """What a policy may know of the route it stands on; no `methods` are all of them."""

    path: PathPattern
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendFacts:
    """What a policy may know of the backend it stands on; `authority` is host and port."""

    authority: str
    http2: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A setting that its type allows and its surroundings do not; `path` leads into the setting.

    `beside` is the other end of a contradiction: the mistake is told there when what `path` leads
    to is inherited. An `idle` setting has no effect: a mistake where it is written, none where it
    is inherited. With `at_key` the key at the end of the path is meant, not its value.
    """

    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    beside: tuple[str | int, ...] = ()
    idle: bool = False
    at_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A name in a route's settings that must be defined at the top of some file.

    `kind` is the top key that defines it (`identities`); `path` leads to the name in the settings.
    """

    kind: str
    name: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a route's settings are resolved with, once every file is read.

    `names` are all named things by kind and name, with their settings. `home` says whose the
    settings are: the file they are inherited from, or the route's hosts and path.
    """

    names: Mapping[str, Mapping[str, Settings]]
    file: str
    hosts: tuple[str, ...]
    path: str
    inherited: bool


def no_references(_settings: Settings) -> Iterable[Reference]:
    """Name nothing: the default of a key."""
    return ()


def as_written(settings: Settings, _around: Surroundings) -> Settings:
    """Give the settings as they are: the default of a key that refers to nothing."""
    return settings


def replaced(own: Settings, _inherited: Settings | None) -> Settings:
    """Give a route's own value: the default of an atom."""
    return own


def faultless(_settings: Settings, _facts: RouteFacts | BackendFacts) -> Iterable[Fault]:
    """Find nothing: the default of a key whose settings are right wherever they stand."""
    return ()


def unhindered(_settings: Settings, _others: Mapping[str, Settings]) -> Iterable[Fault]:
    """Find nothing: the default of a key that no other key overrules."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key that a policy brings into the language.

    `settings` is the type that its value is read as; `example` is what `foregate docs` shows;
    `in_envoy` is the reason why Envoy enforces it, empty where the key only states something;
    `inherited` says whether `defaults` may hold it; an `atom` replaces the inherited value whole;
    with `none_acts` a written `none` reaches the policy as None, else it is as if nothing stood
    there; `required` must come from somewhere.
    """

    name: str
    settings: TypeForm[Any]
    summary: str
    example: str
    in_envoy: str = ""
    inherited: bool = True
    atom: bool = False
    none_acts: bool = False
    required: bool = False
    faults: Callable[..., Iterable[Fault]] = faultless
    """Takes the settings and the facts of where they stand: RouteFacts or BackendFacts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteKey(Key):
    """A key of a route; `actions` are the kinds of route that it acts on."""

    actions: frozenset[Action] = frozenset({Action.FORWARD})
    overruled: Callable[[Settings, Mapping[str, Settings]], Iterable[Fault]] = unhindered
    """Takes the settings and those of the route's other keys, of which one may leave no effect."""
    references: Callable[[Settings], Iterable[Reference]] = no_references
    """The names in the settings that must exist."""
    resolved: Callable[[Settings, Surroundings], Settings] = as_written
    """Takes the settings, all references good; gives what the Envoy half gets in their place."""
    clashes: Callable[[Settings, Mapping[str, Settings]], Iterable[Fault]] = unhindered
    """Takes resolved settings, own or inherited, and the route's others: what cannot be meant."""
    extended: Callable[[Settings, Settings | None], Settings] = replaced
    """For an atom: takes the route's own value and the inherited one, which it may keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKey(Key):
    """A key at the top of a file that defines things by name: `settings` is the type of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendKey(Key):
    """A key of a backend."""


RouteStep: TypeAlias = "Callable[[Settings, RouteFacts, Route], tuple[Route, ...]]"
"""Put settings on a route; give it back, or the routes that take its place, first match first."""

ClusterStep: TypeAlias = "Callable[[Settings, BackendFacts, Cluster], None]"
"""Put settings on a cluster."""
