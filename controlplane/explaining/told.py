"""What is told of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from controlplane.explaining.arriving import Arrived
from controlplane.explaining.grpc import Heard
from controlplane.explaining.request import Request
from controlplane.plan.plan import Entry, PlannedRoute, VirtualHost
from policies.headers.spec import HeaderOperations


class Condition(StrEnum):
    """What of a route a request can miss, in the order in which it is compared."""

    PATH = "path"
    METHOD = "method"
    HEADER = "header"
    QUERY = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The first condition of a route that a request misses: what was wanted, and what it had.

    `name` is that of a header or a parameter; `had` is empty where there was none.
    """

    condition: Condition
    name: str = ""
    wanted: str
    had: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A route that did not take the request, and why."""

    route: PlannedRoute
    failed: Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """What a backend is sent: the names of backends with weights, the path, and the host.

    `side` says how one of several was chosen, or that it is not, empty where nothing is sticky.
    """

    to: Mapping[str, int]
    side: str = ""
    target: str
    host: str
    request: HeaderOperations
    rewritten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirected:
    """An answer with a new address."""

    status: int
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Responded:
    """A fixed answer."""

    status: int
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that the gateway makes itself, of a rule or of none."""

    status: int
    why: str
    rule: str = ""
    allow: tuple[str, ...] = ()
    location: str = ""


Outcome: TypeAlias = Forwarded | Redirected | Responded | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of a request.

    `arrived` is None where the edge refused it; `host` and `domain` are those that its host has
    led to, None and empty where there are none. `winner` is the entry that answers. `lost` are the
    routes before it whose path matches, nearest first as they were tried; where nothing answers,
    `near` is the route whose path is most like the request's, or the host. `grpc` is how a caller
    of gRPC hears the answer, None where it is no call or a backend's answer.
    """

    request: Request
    outcome: Outcome
    grpc: Heard | None = None
    arrived: Arrived | None = None
    host: VirtualHost | None = None
    domain: str = ""
    winner: Entry | None = None
    lost: tuple[Lost, ...] = ()
    near: Lost | None = None
    near_host: str = ""
    response: HeaderOperations = field(default_factory=HeaderOperations)
