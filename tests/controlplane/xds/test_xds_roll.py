"""Who is there and how far each is: it is counted right, and who is silent holds nobody back."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.snapshot import LISTENER, ROUTES
from controlplane.xds import roll
from controlplane.xds.connection import Connection
from controlplane.xds.discovery import Request
from controlplane.xds.memory import Memory
from tests.controlplane.xds.crowd import ASKED, WORLDS, Crowd, Recording, crowd, run

STEPS = st.tuples(
    st.sampled_from(["open", "ask", "ask", "ack", "ack", "ack", "nack", "publish", "close"]),
    st.integers(0, 3),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_the_tally_is_a_recount(steps: list[tuple[str, int]]) -> None:
    async def body() -> None:
        mine = crowd()
        for step, number in steps:
            if step == "open":
                mine.open()
            elif step == "publish":
                mine.streams.publish(WORLDS[number])
            elif number < len(mine.there):
                _move(mine, mine.there[number], step)
            known = Counter(c.stream.state for c in mine.there if c.stream.node)
            assert mine.states() == known
        for connection in list(mine.there):
            mine.close(connection)
        assert mine.states() == {}

    run(body())


def _move(mine: Crowd, connection: Connection, step: str) -> None:
    if step == "ask":
        type_url, names = ASKED[len(connection.stream.subscriptions) % 3]
        mine.ask(connection, type_url, *names)
    elif step == "close":
        mine.close(connection)
    else:
        mine.answer(connection, "no" if step == "nack" else None)


def test_who_answers_nothing_is_waited_for_no_more_until_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def body() -> None:
        monkeypatch.setattr(roll, "SILENT_SECONDS", 0.01)
        mine = crowd()
        mine.follow(mine.open())
        slow = mine.open()
        mine.ask(slow)
        assert mine.states() == {"live": 1, "waiting": 1}
        mine.streams.moved.clear()
        await mine.silent.wait()
        assert mine.states() == {"live": 1, "silent": 1}
        assert mine.streams.moved.is_set()  # who waits for all looks again
        mine.ask(slow, LISTENER)  # no answer to anything
        mine.streams.publish(WORLDS[1])
        assert mine.states() == {"waiting": 1, "silent": 1}
        monkeypatch.setattr(roll, "SILENT_SECONDS", 3600.0)
        mine.answer(slow)
        assert mine.states() == {"waiting": 2}

    run(body())


def test_who_is_live_or_gone_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their time would be over before that of the last, which is told."""

    async def body() -> None:
        monkeypatch.setattr(roll, "SILENT_SECONDS", 0.01)
        mine = crowd()
        live, gone = mine.open(), mine.open()
        mine.follow(live)
        mine.ask(gone)
        mine.close(gone)
        last = mine.open()
        mine.ask(last)
        await mine.silent.wait()
        assert mine.states() == {"live": 1, "silent": 1}

    run(body())


def test_without_a_memory_that_records_nothing_is_kept_of_a_node() -> None:
    async def body() -> None:
        for memory, kept in ((Memory(), set()), (Recording(), {"n1"})):
            mine = crowd(memory)
            one = mine.open()
            mine.follow(one)
            mine.close(one)
            assert set(mine.streams.ledger.take()) == kept
            assert mine.streams.ledger.take() == {}

    run(body())


def test_streams_of_the_same_node_are_one_record() -> None:
    """One of them may be dead: what either holds may be what the node holds."""

    async def body() -> None:
        mine = crowd(Recording())
        old, new = mine.open(), mine.open()
        for connection in (new, old):
            for type_url, names in ASKED:
                request = Request(type_url=type_url, node="n", names=names)
                mine.streams.receive(connection, request)
                mine.answer(connection)
        mine.streams.publish(WORLDS[1])
        mine.answer(new)  # the clusters
        mine.streams.ledger.take()
        while new.outbox:
            mine.answer(new)
        held = mine.streams.ledger.take()
        assert set(held) == {"n"}
        layers = held["n"][ROUTES]
        assert {one.version for layer in layers for one in layer.values()} == {"0", "1"}

    run(body())
