"""What a listener that drains still names stays, though the node's stream ends meanwhile."""

import pytest

from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Reference
from controlplane.xds.connection import Connection
from controlplane.xds.discovery import Request
from controlplane.xds.world import world
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.crowd import Crowd, crowd, run

FIRST, SECOND = published("CDS a=0 LDS l=0>CDS/a"), published("CDS b=0 LDS l=2>CDS/b")
HELD = {
    CLUSTER: (FIRST.of(CLUSTER)["a"], SECOND.of(CLUSTER)["b"]),
    LISTENER: (SECOND.of(LISTENER)["l"],),
}


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
@pytest.mark.parametrize("drains", [False, True])
def test_it_outlives_the_stream(*, delta: bool, drains: bool) -> None:
    """Another node that held the same, and has nothing to drain, is to let it go at once."""

    async def body() -> None:
        mine = crowd(first=world(FIRST))
        one = mine.open(delta=delta)
        for type_url in (CLUSTER, LISTENER):
            mine.streams.receive(one, Request(type_url=type_url, node="n"))
            mine.answer(one)
        mine.streams.publish(world(SECOND))
        mine.answer(one)  # with b
        mine.answer(one)  # the listener
        assert Reference(CLUSTER, "a") in one.stream.drains
        mine.close(one)
        again = _back(mine, "n" if drains else "other", delta=delta)
        clusters = again.stream.subscriptions[CLUSTER]
        held = {resource.name for resource in clusters.live()}
        assert (clusters.leaving, "a" in held) == (int(drains), drains)
        assert again.stream.wake == one.stream.wake if drains else again.stream.wake is None

    run(body())


def _back(mine: Crowd, node: str, *, delta: bool) -> Connection:
    """Open a stream of a node that held everything, and ACK all that comes."""
    again = mine.open(delta=delta)
    for type_url, several in HELD.items():
        initial = {one.name: one.version for one in several} if delta else {}
        request = Request(type_url=type_url, node=node, version="old", initial=initial)
        if not again.stream.node:
            mine.streams.introduce(again, request, HELD)
        mine.streams.receive(again, request)
    while again.outbox:
        mine.answer(again)
    return again


TABLE = published("CDS a=0 RDS r=0>CDS/a")


@pytest.mark.parametrize("known", [False, True])
def test_what_a_control_plane_that_is_gone_knew_is_not_taken(*, known: bool) -> None:
    """A listener that drains may name a table that is not offered: its end is nowhere written."""

    async def body() -> None:
        mine = crowd(first=world(SECOND))
        if known:
            one = mine.open(delta=True)
            mine.streams.introduce(one, Request(type_url=CLUSTER, node="n"), {})
            mine.streams.receive(one, Request(type_url=CLUSTER, node="n"))
            mine.close(one)
        again = mine.open(delta=True)
        mine.streams.introduce(again, Request(type_url=ROUTES, node="n"), {})
        for type_url, names in ((ROUTES, ("r",)), (CLUSTER, ())):
            initial = {name: one.version for name, one in TABLE.of(type_url).items()}
            request = Request(type_url=type_url, node="n", names=names, initial=initial)
            mine.streams.receive(again, request)
        while again.outbox:
            mine.answer(again)
        held = {t: {one.name for one in s.live()} for t, s in again.stream.subscriptions.items()}
        assert ("r" in held[ROUTES]) == (not known)
        assert known or "a" in held[CLUSTER]  # what goes with its table has a second

    run(body())
