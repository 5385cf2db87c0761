"""Who is a consumer while a version is on its way: only who is one in both.

Keys are taken away before any Envoy moves, and given only once all have: else a new consumer would
meet an old route, and pass where neither version lets it.
"""

from collections.abc import Iterator

from controlplane.snapshot import Resource, resource
from protos.auth_pb2 import ApiKey, Consumer, ConsumerSet


def in_both(before: Resource, after: Resource) -> Resource:
    """Give a ConsumerSet resource with the keys that two have in common, and their scopes."""
    held = {
        (consumer.name, key.identity, key.sha256): frozenset(key.scopes)
        for consumer in ConsumerSet.FromString(before.body).consumers
        for key in consumer.keys
    }
    out = ConsumerSet()
    for consumer in ConsumerSet.FromString(after.body).consumers:
        keys = list(_kept(consumer, held))
        if keys:
            out.consumers.add(name=consumer.name, keys=keys)
    return resource(after.type_url, after.name, out)


def _kept(
    consumer: Consumer, held: dict[tuple[str, str, bytes], frozenset[str]]
) -> Iterator[ApiKey]:
    for key in consumer.keys:
        scopes = held.get((consumer.name, key.identity, key.sha256))
        if scopes is not None:
            kept = [scope for scope in key.scopes if scope in scopes]
            yield ApiKey(identity=key.identity, sha256=key.sha256, scopes=kept)
