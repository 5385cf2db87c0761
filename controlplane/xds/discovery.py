"""What requests say and replies hold, in both variants of the protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controlplane.snapshot import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a DiscoveryRequest or a DeltaDiscoveryRequest says of one type.

    `names` are all names in SotW, those to subscribe in delta; `unsubscribe` and `initial`
    (versions by name that a reconnecting client still holds) are delta's, `version` (the last one
    that it took) is SotW's. `error` is the message of `error_detail`, None when that is not there:
    its presence alone makes a NACK.

    `node` and what follows it says who the client is, on the first request of a stream: `service`
    is empty for an Envoy, `group` is its node.cluster, `software` what it runs.
    """

    type_url: str
    node: str = ""
    group: str = ""
    service: str = ""
    address: str = ""
    software: str = ""
    nonce: str = ""
    version: str = ""
    error: str | None = None
    names: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One reply to send. `removed` is delta's, empty in SotW."""

    type_url: str
    nonce: str
    version: str
    resources: tuple[Resource, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The client's answer to a push: an ACK, or a NACK with its `error` and what it is about."""

    version: str
    error: str | None
    content: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A push without an answer. `content` is what its ACK will prove, None for what is gone.

    `alone`: it was sent for one resource only, so that a NACK is about that one.
    """

    nonce: str
    version: str
    content: Mapping[str, Resource | None]
    alone: bool


def version_of(one: Resource | None) -> str:
    """Give a version, empty for nothing."""
    return one.version if one is not None else ""


def same(one: Resource | None, other: Resource | None) -> bool:
    """Whether two are the same content, or both nothing."""
    return one is other or version_of(one) == version_of(other)
