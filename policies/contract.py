"""What a policy folder gives: its keys with their settings (`spec.KEYS`), and functions to Envoy.

`spec.py` names `KEYS`. `envoy.py`, where a key has an effect, names `ROUTE`: key to `RouteStep`,
`UNASKED`: key to what a route carries that the key does not stand on (those of the gateway itself
are such), `CLUSTER`: key to `ClusterStep`, `FORWARD`: key to `ForwardStep`, `FILTERS`: slot to HTTP
filter, and `SERVICES`: key to `ServiceStep`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from typing_extensions import TypeForm

from policies.defaults import (
    agreed,
    as_read,
    as_written,
    at_home,
    faultless,
    no_backends,
    no_client_headers,
    no_references,
    off_routes,
    replaced,
    uncalled,
    unclaimed,
    undisputed,
    unhindered,
    unnamed,
    unruled,
    untouched,
)
from policies.facts import (
    EVERY_ACTION,
    Action,
    BackendFacts,
    NamedFacts,
    Names,
    RouteFacts,
    Settings,
    Surroundings,
)
from policies.faults import BackendName, Claim, ClientHeader, Fault, NamedFault, Reference
from policies.when_down import CachedKeys, WhenDown

if TYPE_CHECKING:  # the protobuf modules stay away from those who only want settings
    from envoy.config.cluster.v3.cluster_pb2 import Cluster
    from envoy.config.route.v3.route_components_pb2 import Route, RouteAction
    from envoy.extensions.filters.network.http_connection_manager.v3 import (
        http_connection_manager_pb2 as hcm_pb2,
    )
    from google.protobuf.message import Message

__all__ = [
    "EVERY_ACTION",
    "Action",
    "Admission",
    "BackendFacts",
    "BackendKey",
    "BackendName",
    "CachedKeys",
    "Call",
    "Claim",
    "ClientHeader",
    "ClusterStep",
    "Fault",
    "FilterStep",
    "ForwardStep",
    "Key",
    "NamedFacts",
    "NamedFault",
    "NamedKey",
    "Names",
    "Reference",
    "RouteFacts",
    "RouteKey",
    "RouteStep",
    "ServiceResource",
    "ServiceStep",
    "Settings",
    "Surroundings",
    "UnaskedStep",
    "WhenDown",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """That a service decides, and not Envoy: the service's role, and why."""

    service: str
    why: str


class Admission(Protocol):
    """What a route's `auth` resolves to where somebody is asked; None where nobody is.

    `counts` are those of the words `user`, `consumer` and `key` that an admitted request can have.
    """

    @property
    def counts(self) -> frozenset[str]:
        """Some of these words."""


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
    """Takes the settings and the facts of where they stand: those of a route, backend or name."""
    references: Callable[[Settings], Iterable[Reference]] = no_references
    """The names in the settings that must exist."""
    client_headers: Callable[[Settings], Iterable[ClientHeader]] = no_client_headers
    """The headers of a client that the settings go by: each must be one that arrives."""
    when_down: Callable[[Settings], Iterable[str]] = untouched
    """Takes settings, resolved ones of a route; gives the keys of `whenDown` that act for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteKey(Key):
    """A key of a route; `actions` are the kinds of route that it acts on."""

    actions: frozenset[Action] = frozenset({Action.FORWARD})
    streams: bool = False
    """Whether the key makes its route a stream."""
    overruled: Callable[[Settings, Mapping[str, Settings], RouteFacts], Iterable[Fault]] = unruled
    """Takes the settings, those of the route's other keys, of which one may leave no effect, and
    the route's facts."""
    backends: Callable[[Settings], Iterable[BackendName]] = no_backends
    """The backends that requests go to besides those of `to`."""
    disputed: Callable[[Settings, Names], Iterable[Fault]] = agreed
    """Takes settings as they are written, all references good: what they may not name together."""
    resolved: Callable[[Settings, Surroundings], Settings] = as_written
    """Takes the settings, all references good; gives what the Envoy half gets in their place."""
    clashes: Callable[[Settings, Mapping[str, Settings]], Iterable[Fault]] = unhindered
    """Takes resolved settings, own or inherited, and the route's others: what cannot be meant."""
    extended: Callable[[Settings, Settings | None], Settings | Fault] = replaced
    """For an atom: takes the route's own value and the inherited one, which it may keep."""
    claims: Callable[[Settings], Iterable[Claim]] = unclaimed
    """Takes resolved settings that a route has written: what no other route may have too."""
    calls: Callable[[Settings], Call | None] = uncalled
    """Takes resolved settings; gives the service that decides on them, None where none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKey(Key):
    """A key at the top of a file that defines things by name: `settings` is the type of one.

    `noun` is what mistakes call one of them; one with an `unused` and no route that names it is
    told with these words.
    """

    noun: str
    unused: str = ""
    settled: Callable[[Settings, NamedFacts], Settings] = as_read
    """Takes settings as they are written; gives those of the thing in its place."""
    together: Callable[[Names], Iterable[NamedFault]] = undisputed
    """Takes all named things of all kinds: what those of this kind cannot be beside each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendKey(Key):
    """A key of a backend; one that `takes_out` leaves no requests to endpoints that are not well.

    `verified` gives the name that endpoints are verified by, if the settings say one.
    """

    takes_out: bool = False
    unfit: Callable[[Settings, BackendFacts, Mapping[str, Settings]], Iterable[Fault]] = at_home
    """Takes settings, own or inherited, the backend and its other settings: what cannot be."""
    on_routes: Callable[[Settings], Settings | None] = off_routes
    """What of the settings stands on the routes to the backend; those of one route must agree."""
    verified: Callable[[Settings], str] = unnamed


RouteStep: TypeAlias = "Callable[[Settings, RouteFacts, Route], tuple[Route, ...]]"
"""Put settings on a route; give it back, or the routes that take its place, first match first."""

UnaskedStep: TypeAlias = "Callable[[Route], None]"
"""Put on a route what it carries without a key's settings."""

ClusterStep: TypeAlias = "Callable[[Settings, BackendFacts, Cluster], None]"
"""Put settings on a cluster."""

ForwardStep: TypeAlias = "Callable[[Settings, RouteAction], None]"
"""Put what a backend's key gives `on_routes` on a route that goes there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceResource:
    """What a service is served: `role` is one of SERVICE_TYPES in protos, `message` its content.

    `settings` and `names` (kind and name) are what it comes from, for provenance.
    """

    role: str
    type_url: str
    name: str
    message: "Message"
    settings: tuple[Settings, ...] = ()
    names: tuple[tuple[str, str], ...] = ()


ServiceStep: TypeAlias = Callable[
    [tuple[Settings, ...], Names, WhenDown], Iterable[ServiceResource]
]
"""Takes a key's resolved settings, each once and in a stable order, and is called without any."""

FilterStep: TypeAlias = "Callable[[WhenDown], hcm_pb2.HttpFilter]"
"""Make the HTTP filter of a slot."""
