"""Whatever the clients do and in whatever order, nothing breaks, and all end with the same.

A SotW client, a delta client, one that waits for its clusters to get warm, and one that drops its
stream and sends stale nonces follow the same publishes. Messages are delivered in any
interleaving. What the client asserts at each read: `model_client`. The last publish holds nothing
that is refused.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.snapshot import CLUSTER, ENDPOINTS, ROUTES, Snapshot
from controlplane.xds.subscription import WHOLE
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


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_all_clients_end_in_the_same_state(data: st.DataObject) -> None:
    now = world(_snapshot(data.draw(WORLDS)))
    clients = [
        Client(delta=False),
        Client(delta=True),
        Client(delta=data.draw(st.booleans()), warming=True),
        Client(delta=data.draw(st.booleans()), flaky=True),
    ]
    for client in clients:
        client.connect(now)
    for _ in range(data.draw(st.integers(0, 40))):
        step = data.draw(st.sampled_from(STEPS))
        if step == "publish":
            now = world(_snapshot(data.draw(WORLDS)), before=now)
            for client in clients:
                client.publish(now)
        else:
            _move(data, clients[data.draw(st.integers(0, 3))], step, now)
    last = {k: {n: v // 2 * 2 for n, v in r.items()} for k, r in data.draw(WORLDS).items()}
    names = data.draw(SETS)
    now = world(_snapshot(last), before=now)
    for client in clients:
        client.publish(now)
        _drain(client)
        client.choose(ROUTES, names & now.offers[ROUTES].resources.keys())
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
