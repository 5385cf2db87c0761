"""Consumers while a version is on its way."""

from hypothesis import given
from hypothesis import strategies as st

from controlplane.rollout.consumers import Seniority, grants, limited
from controlplane.snapshot import Resource, resource
from protos import CONSUMERS, CONSUMERS_NAME
from protos.auth_pb2 import ConsumerSet

Key = tuple[str, str, bytes]
SETS = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("ik"), st.sampled_from([b"1", b"2"])),
    st.frozensets(st.sampled_from("xyz")),
)


def made(keys: dict[Key, frozenset[str]]) -> Resource:
    out = ConsumerSet()
    for name in sorted({name for name, _, _ in keys}):
        consumer = out.consumers.add(name=name)
        for (owner, identity, sha256), scopes in sorted(keys.items(), key=lambda k: k[0]):
            if owner == name:
                consumer.keys.add(identity=identity, sha256=sha256, scopes=sorted(scopes))
    return resource(CONSUMERS, CONSUMERS_NAME, out)


def held(one: Resource) -> dict[Key, frozenset[str]]:
    return {
        (consumer.name, key.identity, key.sha256): frozenset(key.scopes)
        for consumer in ConsumerSet.FromString(one.body).consumers
        for key in consumer.keys
    }


@given(SETS, SETS)
def test_nobody_has_more_than_in_either(
    before: dict[Key, frozenset[str]], after: dict[Key, frozenset[str]]
) -> None:
    between = held(limited(made(after), grants(made(before))))
    assert between == {key: before[key] & after[key] for key in before.keys() & after.keys()}


@given(SETS)
def test_the_same_consumers_stay_as_they_are(keys: dict[Key, frozenset[str]]) -> None:
    assert limited(made(keys), grants(made(keys))) == made(keys)


@given(SETS, SETS)
def test_what_has_been_there_for_long_is_given(
    before: dict[Key, frozenset[str]], after: dict[Key, frozenset[str]]
) -> None:
    old, new = grants(made(before)), grants(made(after))
    both = Seniority().with_version(old, 0.0).with_version(new, 50.0)
    assert both.older(60.0, 60.0) == old & new
    assert both.older(110.0, 60.0) == new
    assert both.next(frozenset(), 60.0) == (60.0 if old & new else 110.0 if new else None)
    assert both.next(new, 60.0) is None
