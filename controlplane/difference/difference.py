"""The nouns of a difference."""

from dataclasses import dataclass
from typing import Literal

from controlplane.matching.request import Pairs, Request
from language.places import Place

RouteKind = Literal["added", "removed", "changed", "moved", "shadowed"]
"""`moved`: it means the same, and stands in another file, or in another order among its equals.
`shadowed`: it is still there, and no request is left for it."""

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Who answers a request: a route, or the 405 of a path, whose `place` is its first route's.

    `goes` says in words where it leads; it is `open` where nobody is asked who they are.
    """

    path: str
    methods: tuple[str, ...]
    headers: Pairs
    query: Pairs
    place: Place
    goes: str
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """A setting in the language's words; an empty text is one that is not there."""

    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChange:
    """A route that is not as it was, on these hosts."""

    kind: RouteKind
    hosts: tuple[str, ...]
    before: Answerer | None
    after: Answerer | None
    values: tuple[ValueChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Requests that another route answers, or whose route is judged otherwise; None: a 404.

    `request` is one of them.
    """

    hosts: tuple[str, ...]
    request: Request
    before: Answerer | None
    after: Answerer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakening:
    """What passes that did not; `comparable` is False where nobody can say that it does not.

    `handovers` are the requests that it holds for, none where it holds for the gateway. `places`
    are the lines that weaken, each once; none where no line of a file does.
    """

    key: str
    what: str
    comparable: bool
    handovers: tuple[Handover, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a named thing is newly let do, which takes no guard away."""

    kind: str
    name: str
    what: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingChange:
    """Something with a name that changed: a host, a backend, an identity, or a key of the gateway.

    `group` is the key of the file that it stands below.
    """

    kind: Kind
    group: str
    name: str
    before: Place | None
    after: Place | None
    values: tuple[ValueChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """A resource that `to` (envoy, or a service) is sent anew, or no more; sizes in bytes."""

    to: str
    kind: Kind
    type_name: str
    name: str
    before_bytes: int
    after_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Connections that a change ends, in words; `of` says which side's."""

    of: Literal["clients", "backends"]
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that is not as it was, the most dangerous first.

    `opened`: requests that nothing served, and that are now served to everybody. `elsewhere`:
    requests that another route answers.
    """

    weakenings: tuple[Weakening, ...] = ()
    opened: tuple[Handover, ...] = ()
    grants: tuple[Grant, ...] = ()
    elsewhere: tuple[Handover, ...] = ()
    routes: tuple[RouteChange, ...] = ()
    things: tuple[ThingChange, ...] = ()
    resources: tuple[ResourceChange, ...] = ()
    drains: tuple[Drain, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing means anything else: routes may still stand in other files."""
        routes = any(one.kind != "moved" for one in self.routes)
        return not (routes or self.weakenings or self.things or self.resources)
