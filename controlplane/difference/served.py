"""A version's files as they were served: with the keys of that day, not with today's secrets."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from controlplane.build import Build, Options, compiled
from controlplane.model.gateway import Named
from controlplane.plan.plan import Plan
from policies.auth.consumers import Consumer, KeyHash
from protos import CONSUMERS, CONSUMERS_NAME, EXTAUTHZ
from protos import auth_pb2 as pb


class OtherKeysError(Exception):
    """The keys that were served are not those that the files name: nobody knows whose they are."""


def as_served(read: Build, served: Build, options: Options) -> Build:
    """The build of a version's files, `read` without secrets, with the keys that it `served`.

    Raises OtherKeysError.
    """
    if read.plan is None or not read.plan.named["consumers"]:
        return read
    consumers = dict(_filled(read.plan, _keys(served)))
    plan = replace(read.plan, named={**read.plan.named, "consumers": consumers})
    return compiled(read.sources, plan, read.mistakes, options)


def _keys(served: Build) -> Mapping[str, tuple[bytes, ...]]:
    """The hashes of each consumer's keys, in the order in which its file names them."""
    services = served.services.get(EXTAUTHZ)
    held = None if services is None else services.of(CONSUMERS).get(CONSUMERS_NAME)
    found = pb.ConsumerSet() if held is None else pb.ConsumerSet.FromString(held.body)
    return {one.name: tuple(key.sha256 for key in one.keys) for one in found.consumers}


def _filled(plan: Plan, keys: Mapping[str, tuple[bytes, ...]]) -> Iterator[tuple[str, Named]]:
    consumers = plan.named["consumers"]
    if keys.keys() != consumers.keys():
        raise OtherKeysError
    for name, one in consumers.items():
        yield name, replace(one, value=_with(one.value, keys[name]))


def _with(consumer: Consumer | None, hashes: tuple[bytes, ...]) -> Consumer:
    made = [KeyHash(sha256=one) for one in hashes]
    if consumer is None or len(made) != len(list(consumer.held())):
        raise OtherKeysError
    if consumer.key is not None:
        return replace(consumer, key=made[0])
    keys = zip(consumer.keys, made, strict=True)
    return replace(consumer, keys=tuple(replace(key, hash=one) for key, one in keys))
