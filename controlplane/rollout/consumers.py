"""Who is a consumer while a version is on its way: only who was one before, or has waited.

Keys are taken away before any Envoy moves, and given only once all have: else a new consumer would
meet an old route, and pass where neither version lets it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from controlplane.snapshot import Resource, resource
from protos.auth_pb2 import ApiKey, Consumer, ConsumerSet

Grant: TypeAlias = tuple[str, str, bytes, str]
"""Consumer, identity, SHA-256 of the key, and a scope of it; no scope stands for the key itself."""


def grants(served: Resource) -> frozenset[Grant]:
    """Give all that a ConsumerSet resource grants."""
    return frozenset(
        (consumer.name, key.identity, key.sha256, scope)
        for consumer in ConsumerSet.FromString(served.body).consumers
        for key in consumer.keys
        for scope in ("", *key.scopes)
    )


def limited(served: Resource, allowed: frozenset[Grant]) -> Resource:
    """Give a ConsumerSet resource with no more than is allowed."""
    out = ConsumerSet()
    for consumer in ConsumerSet.FromString(served.body).consumers:
        keys = list(_kept(consumer, allowed))
        if keys:
            out.consumers.add(name=consumer.name, keys=keys)
    return resource(served.type_url, served.name, out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seniority:
    """Since when (monotonic seconds) each grant has been in every version."""

    since: Mapping[Grant, float] = field(default_factory=dict)

    def with_version(self, granted: frozenset[Grant], now: float) -> "Seniority":
        """Take in what the newest version grants."""
        return Seniority(since={one: self.since.get(one, now) for one in granted})

    def older(self, now: float, seconds: float) -> frozenset[Grant]:
        """Give what has been there for so long."""
        return frozenset(one for one, since in self.since.items() if since + seconds <= now)

    def next(self, allowed: frozenset[Grant], seconds: float) -> float | None:
        """Say when the next that is not allowed yet has been there for so long."""
        waiting = (since for one, since in self.since.items() if one not in allowed)
        first = min(waiting, default=None)
        return None if first is None else first + seconds


def _kept(consumer: Consumer, allowed: frozenset[Grant]) -> Iterator[ApiKey]:
    for key in consumer.keys:
        at = (consumer.name, key.identity, key.sha256)
        if (*at, "") in allowed:
            scopes = [scope for scope in key.scopes if (*at, scope) in allowed]
            yield ApiKey(identity=key.identity, sha256=key.sha256, scopes=scopes)
