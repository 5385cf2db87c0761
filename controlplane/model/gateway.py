"""The nouns of a gateway file, with their settings typed."""

from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from controlplane.model.addresses import Address, Endpoints, ListenAddress, Protocol, Url
from language.decode import settings
from language.fields import TELLABLE, Method
from language.grpc import GrpcMethod
from language.hosts import Host
from language.matches import HeaderMatches, ParameterMatches, TextMatch
from language.nodes import MapNode, Node, Scalar
from language.paths import PathPattern
from language.places import Place
from language.route_paths import RoutePath
from language.scalars import UNIQUE, Name, fault, integer
from policies.contract import Action, Settings
from policies.edge import never_arrives, removed

EVERYWHERE = Address(host="", port=8080)


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where clients connect."""

    http: Annotated[
        ListenAddress, Field(description="The port, or ADDRESS:PORT, for plain HTTP; 8080.")
    ] = EVERYWHERE
    trusted_hops: Annotated[
        int,
        *integer(0, 10),
        Field(description="How many proxies before the gateway are trusted to say who called; 0."),
    ] = 0


def _one_name(value: object) -> object:
    if isinstance(value, list):
        raise fault("a route goes to one name, or to names with weights", "write {a: 90, b: 10}")
    return {value: "100"} if isinstance(value, str) else value


def _whole(weights: dict[str, int]) -> dict[str, int]:
    total = sum(weights.values())
    if total != 100:
        raise fault(f"the weights sum to {total}, not 100", "they are percentages of the requests")
    return weights


Weights: TypeAlias = Annotated[
    dict[Name, Annotated[int, *integer(0, 100)]],
    BeforeValidator(_one_name),
    AfterValidator(_whole),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number", "boolean"]},
                {
                    "type": "object",
                    "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 100},
                },
            ]
        }
    ),
]
"""A backend's name, or names with weights."""


def _arriving(headers: dict[str, TextMatch]) -> dict[str, TextMatch]:
    for name in headers:
        if name == "host":
            raise fault("the host is no header here", "use hosts, above the routes", at="host")
        if never_arrives(name):
            raise fault(removed(name), "match another header", at=name)
    return headers


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The keys of a route that no policy brings: what it matches, and where it goes.

    It has `path` or `grpc`; no `hosts` are those of its file.
    """

    path: Annotated[
        RoutePath | None,
        Field(description="/a, /a/**, /a/{x}/b, /a/{rest=**} or {regex: …} on the whole path."),
    ] = None
    grpc: Annotated[
        GrpcMethod | None,
        Field(description="package.Service/Method in place of a path, or package.Service."),
    ] = None
    hosts: Annotated[
        tuple[Host, ...],
        UNIQUE,
        Field(description="The hosts of this route in place of the file's."),
    ] = ()
    methods: Annotated[
        tuple[Method, ...], UNIQUE, TELLABLE, Field(description="The methods; all unless written.")
    ] = ()
    headers: Annotated[
        HeaderMatches,
        AfterValidator(_arriving),
        Field(description="Headers that a request must have: text, prefix, regex or present."),
    ] = field(default_factory=dict)
    query: Annotated[
        ParameterMatches,
        Field(description="Parameters that a request must have: text, prefix, regex or present."),
    ] = field(default_factory=dict)
    priority: Annotated[
        int,
        *integer(0, 1_000_000),
        Field(description="Which of two routes of equal rank is first: the higher."),
    ] = 0
    to: Annotated[
        Weights | None,
        Field(description="The backend, or backends with weights that sum to 100."),
    ] = None


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The keys of a backend that no policy brings: where it is and what it speaks."""

    url: Annotated[
        Url | None, Field(description="http, https, h2c, grpc or grpcs, host and port.")
    ] = None
    endpoints: Annotated[Endpoints, Field(description="HOST:PORT of each, in place of url.")] = ()
    protocol: Annotated[
        Protocol | None, Field(description="What endpoints speak; http. Over TLS with tls.sni.")
    ] = None
    failover: Annotated[
        Endpoints, Field(description="HOST:PORT of each that takes over where these are not well.")
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A policy's settings on a route or backend, and the key that asked for them.

    `value` is None where a written `none` acts. `name` and `node` are the key and its value as
    they are written, here or, inherited, in defaults.
    """

    key: str
    value: Settings
    file: str
    name: Scalar
    node: Node
    inherited: bool

    @property
    def place(self) -> Place:
        """Where the key stands."""
        return Place(self.file, self.name.line, self.name.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A thing that a file names for routes to use; `value` is None where it has mistakes."""

    kind: str
    file: str
    key: Scalar
    node: Node
    value: Settings | None

    @property
    def place(self) -> Place:
        """Where its name stands."""
        return Place(self.file, self.key.line, self.key.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of one file, defaults inherited; `node` is where it stands.

    `hosts` are its own or its file's, with their places; `path` is what `match.grpc` means too.
    """

    file: str
    node: MapNode
    hosts: tuple[str, ...]
    host_places: tuple[Place, ...]
    path: PathPattern
    match: Match
    action: Action
    settings: tuple[Setting, ...]

    @property
    def place(self) -> Place:
        """Where the route starts."""
        return Place(self.file, self.node.line, self.node.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A backend of one file, defaults inherited; `key` is its name where it stands."""

    file: str
    key: Scalar
    protocol: str
    endpoints: tuple[Address, ...]
    failover: tuple[Address, ...]
    authority: str
    settings: tuple[Setting, ...]

    @property
    def place(self) -> Place:
        """Where its name stands."""
        return Place(self.file, self.key.line, self.key.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of the gateway; `home` is its name as it is seen from the folder of gateway.yaml.

    `names` are all backends that it defines, those with mistakes too: a reference to one of them
    is no mistake of its own; they are all that there are when it is `complete`. `sound` is a file
    without errors. Of one with errors `hosts` are those that could be read, and may be none.
    `listen` is None where the file does not say. `keys` are its uppermost keys,
    `references` the names of backends where routes name them, those with mistakes too. `named`
    are its other named things, `unread` the kinds of which more may be meant than were read, and
    `naming` the settings that may name them: in defaults, and on routes, those with mistakes too.
    `when_down` is None where nothing is written.
    """

    name: str
    home: str
    listen: Listen | None
    listen_place: Place
    hosts: tuple[str, ...]
    host_places: tuple[Place, ...]
    routes: tuple[Route, ...]
    backends: tuple[Backend, ...]
    names: tuple[Scalar, ...]
    references: tuple[Scalar, ...]
    named: tuple[Named, ...]
    naming: tuple[Setting, ...]
    unread: frozenset[str]
    when_down: Setting | None
    keys: tuple[Scalar, ...]
    complete: bool
    sound: bool
