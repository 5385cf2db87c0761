"""Whatever the clients do and in whatever order, nothing breaks, and all end with the same.

A client of either variant, which may wait for its clusters to get warm, or drop its stream and
send stale nonces, follows any publishes. Messages are delivered in any interleaving. What the
client asserts at each read: `model_client`. The last publish holds nothing that is refused.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.snapshot import CLUSTER, ENDPOINTS, ROUTES, Snapshot
from controlplane.xds.kinds import WHOLE
from controlplane.xds.world import World, world
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.model_client import FOLLOWED, Client

NAMES = ("a", "b", "c")
NEEDS = ("", "a", "b", "ab", "c", "ac")
"""The clusters that a user needs, by its version: the same content needs the same."""

STEPS = ("deliver", "deliver", "deliver", "deliver", "publish", "names", "stale", "drop", "wait")
HOUR = 3600.0
Worlds = dict[str, dict[str, int]]

SETS = st.frozensets(st.sampled_from(NAMES))
VERSIONS = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 5))
WORLDS = st.fixed_dictionaries(dict.fromkeys(("CDS", "EDS", "LDS", "RDS"), VERSIONS))


CLIENTS = st.builds(
    Client,
    delta=st.booleans(),
    warming=st.booleans(),
    flaky=st.booleans(),
    software=st.sampled_from(["", "envoy/1.40.0"]),
)


@settings(max_examples=1000, deadline=None, report_multiple_bugs=False)
@given(CLIENTS, st.data())
def test_all_clients_end_in_the_same_state(client: Client, data: st.DataObject) -> None:
    """Each is alone with its stream, so that one at a time says as much as all at once."""
    now = world(_snapshot(data.draw(WORLDS)))
    client.connect(now)
    for step in data.draw(st.lists(st.sampled_from(STEPS), max_size=40)):
        if step == "publish":
            now = world(_snapshot(data.draw(WORLDS)), before=now)
            client.publish(now)
        else:
            _move(data, client, step, now)
    last = {k: {n: v // 2 * 2 for n, v in r.items()} for k, r in data.draw(WORLDS).items()}
    now = world(_snapshot(last), before=now)
    client.publish(now)
    _drain(client)
    client.choose(ROUTES, data.draw(SETS) & now.offers[ROUTES].resources.keys())
    _drain(client)
    assert client.holds == _expected(now, client)
    assert client.stream.state != "rejected"
    assert not client.warm_up


@given(WORLDS, st.booleans())
def test_a_nack_is_answered_once_at_most(resources: Worlds, delta: bool) -> None:  # noqa: FBT001 - hypothesis passes by position
    """A client that refuses everything is left alone: this drains instead of going on for ever."""
    client = Client(delta=delta)
    odd = {k: {n: v * 2 + 1 for n, v in r.items()} for k, r in resources.items()}
    client.connect(world(_snapshot(odd)))
    _drain(client)
    assert client.nacks <= len(FOLLOWED)


@pytest.mark.parametrize("delta", [False, True])
def test_the_model_sees_what_is_out_of_order(*, delta: bool) -> None:
    """It is no use if it cannot fail: a route before its cluster, a cluster gone before it."""
    client = Client(delta=delta)
    client.connect(world(published("CDS a=0 EDS a=0 RDS a=0")))
    _drain(client)
    client.publish(world(published("CDS a=0 EDS a=0 RDS a=2")))
    letter = client.outward[0]
    needy = published("CDS a=0 b=0 EDS a=0 RDS a=2>CDS/b")
    push = replace(letter.push, resources=tuple(needy.of(ROUTES).values()))
    client.outward[0] = replace(letter, push=push, world=world(needy))
    with pytest.raises(AssertionError, match="before"):
        client.read()


def _move(data: st.DataObject, client: Client, step: str, now: World) -> None:
    if step == "deliver":
        (client.read if data.draw(st.booleans()) else client.serve)()
    elif step == "names":
        client.choose(ROUTES, data.draw(SETS))
    elif step == "wait":
        client.wait(data.draw(st.sampled_from([0.1, 10.0, HOUR])))
    elif step == "stale" and client.flaky:
        type_url = data.draw(st.sampled_from([CLUSTER, ENDPOINTS]))
        names = () if client.delta else client.names.get(type_url, ())
        error = data.draw(st.sampled_from([None, "stale"]))
        client.ask(type_url, nonce="old", names=names, error=error)
    elif step == "drop" and client.flaky:
        client.connect(now)


def _drain(client: Client) -> None:
    """Deliver all that there is, and again after an hour, until nothing more comes."""
    for _ in range(400):
        client.serve()
        client.read()
        if client.idle:
            client.wait(HOUR)
            if client.idle:
                return
    raise AssertionError("the stream never comes to rest")


def _snapshot(resources: Worlds) -> Snapshot:
    """Make a world without holes: what is needed is there, and each cluster has endpoints."""
    users = {k: {n: (v, NEEDS[v % 6]) for n, v in resources[k].items()} for k in ("LDS", "RDS")}
    needed = {c for group in users.values() for _, needs in group.values() for c in needs}
    clusters = {**dict.fromkeys(needed, 0), **resources["CDS"]}
    endpoints = {n: resources["EDS"].get(n, 0) // 2 * 2 for n in clusters}
    words = [_words("CDS", clusters), _words("EDS", endpoints)]
    for kind, group in users.items():
        words.append(kind)
        for name, (version, needs) in group.items():
            needed_words = ",".join(f"CDS/{c}" for c in needs)
            words.append(f"{name}={version}>{needed_words}")
    return published(" ".join(words))


def _words(kind: str, versions: dict[str, int]) -> str:
    return " ".join([kind, *(f"{n}={v}" for n, v in versions.items())])


def _expected(now: World, client: Client) -> dict[str, dict[str, str]]:
    """Return what a client must hold. SotW cannot take a named resource away: that is left out."""
    expected = {}
    for type_url in FOLLOWED:
        there = now.offers[type_url].resources
        mine = client.names.get(type_url, frozenset(there))
        expected[type_url] = {n: r.version for n, r in there.items() if n in mine}
        if not client.delta and type_url not in WHOLE:
            held = client.holds[type_url]
            expected[type_url] |= {n: v for n, v in held.items() if n not in there}
    return expected
