"""What a stream says: what is to be written, and what others want to hear."""

from dataclasses import dataclass
from typing import Literal

from controlplane.xds.discovery import Push, Request, Verdict
from controlplane.xds.kinds import WILDCARD
from controlplane.xds.subscription import Subscription
from protos import KEY_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A reply to write to the client."""

    push: Push


@dataclass(frozen=True, slots=True, kw_only=True)
class Acked:
    """The node took a version of a type."""

    node: str
    type_url: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nacked:
    """The node refused a version of a type; `message` is the client's own.

    `content` are the versions by name that it may be about, of those in the refused reply.
    """

    node: str
    type_url: str
    version: str
    message: str
    content: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The node asked for a type that its role is not served; the stream goes on."""

    node: str
    type_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The node asked for a name of a type under which nothing ever exists: the asking counts."""

    node: str
    type_url: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """The addresses (sorted) at which instances of a service are ready, whenever they change."""

    role: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """A node has answered nothing for so long that it is waited for no more."""


Status = Literal["DEADLINE_EXCEEDED", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNAVAILABLE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """End the stream with a gRPC status, named as gRPC names it."""

    status: Status
    message: str


Event = Send | Acked | Nacked | Ignored | Wanted | Close


def answer(node: str, type_url: str, verdict: Verdict | None) -> tuple[Event, ...]:
    """Tell of a node's verdict, if there is one."""
    if verdict is None:
        return ()
    version, error = verdict.version, verdict.error
    if error is None:
        return (Acked(node=node, type_url=type_url, version=version),)
    nacked = Nacked(
        node=node, type_url=type_url, version=version, message=error, content=verdict.content
    )
    return (nacked,)


def asked(
    node: str, before: Subscription, after: Subscription, request: Request
) -> tuple[Event, ...]:
    """Tell which names were asked for. In delta, to subscribe to one again is to ask again."""
    if request.type_url != KEY_REQUEST:
        return ()
    new = frozenset(request.names) if before.delta else after.names - before.names
    type_url = request.type_url
    return tuple(Wanted(node=node, type_url=type_url, name=n) for n in sorted(new - {WILDCARD}))
