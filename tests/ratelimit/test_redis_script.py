"""The script says in doubles what the core says in integers: same levels, same states."""

import asyncio
import struct
import time
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from decision.counters import MOST_UNITS, Charge, Kind, Limit, Outcome, State
from policies.limits.check import LONGEST_US, MOST_AMOUNT, decide, fault, judged, level_at
from ratelimit.stores.batch import MOST_CHARGES, SCRIPT, Wait, parts, rule
from tests.ratelimit.redis_server import RedisServer


@st.composite
def limits(draw: st.DrawFn, name: str) -> Limit:
    """Over all that the core takes, up to its bounds."""
    kind = draw(st.sampled_from(Kind))
    period = draw(
        st.one_of(
            st.integers(1, LONGEST_US),
            st.sampled_from([1_000_000, 60_000_000, 3_600_000_000, 30 * 86_400_000_000]),
        )
    )
    plain = Limit(id=name, name=name, kind=kind, amount=1, period_us=period)
    most = min(MOST_AMOUNT, MOST_UNITS // plain.unit)
    burst = draw(st.one_of(st.integers(1, min(most, 9)), st.integers(1, most), st.just(most)))
    amount = draw(st.one_of(st.integers(1, 9), st.integers(1, MOST_AMOUNT)))
    made = Limit(id=name, name=name, kind=kind, amount=amount, period_us=period, burst=burst)
    assert fault(made) is None
    return made


def requests(group: Sequence[Limit]) -> st.SearchStrategy[list[list[Charge]]]:
    """Calls of one tick; limits and keys occur more than once, in one request too."""
    hits = st.one_of(st.just(1), st.integers(0, 3), st.integers(0, 2**64 - 1))
    charge = st.builds(
        lambda one, key, n: Charge(one, f"{one.id}{key}".encode(), n),
        st.sampled_from(group),
        st.integers(0, 1),
        hits,
    )
    return st.lists(st.lists(charge, min_size=1, max_size=4), min_size=1, max_size=8)


@settings(max_examples=300)
@given(st.data())
def test_script_and_core_are_equal(redis: RedisServer, data: st.DataObject) -> None:
    group = [data.draw(limits(name)) for name in "abc"]
    calls = data.draw(requests(group))
    client = redis.client()
    client.flushdb()
    now = time.time_ns() // 1000
    states: dict[bytes, State] = {}
    for charge in [c for call in calls for c in call]:
        if charge.key not in states and data.draw(st.booleans()):
            one = charge.limit
            level = data.draw(st.integers(1, MOST_UNITS))
            ticks = -(-level // one.refill)
            back = data.draw(st.one_of(st.integers(-2, 2), st.integers(0, 2 * ticks)))
            states[charge.key] = (level, max(0, now // one.tick_us - back))
            client.set(charge.key, struct.pack("<dd", *states[charge.key]))

    charges = [c for call in calls for c in call]
    said = client.eval(
        SCRIPT.decode(),
        len(charges),
        *[c.key for c in charges],
        bytes(len(call) for call in calls),
        *[rule(c.limit, c.hits) for c in charges],
    )

    assert isinstance(said, list)
    now = said[0] * 1_000_000 + said[1]
    at = 2
    for call in calls:
        outcome, changed = decide(call, states, now)
        levels = said[at : at + len(call)]
        at += len(call)
        assert judged(call, levels, now) == outcome
        states |= changed
    for charge in charges:
        kept = client.get(charge.key)
        state = None
        if isinstance(kept, bytes):
            level, tick = struct.unpack("<dd", kept)
            state = (int(level), int(tick))
        assert state == states.get(charge.key)
        if state and client.pttl(charge.key) != -1:
            left = client.pttl(charge.key)
            assert isinstance(left, int)
            # never before nothing is spent (by the clock a moment later), and not much after it;
            # what is ahead of a clock that stepped back is not waited for
            if state[1] <= now // charge.limit.tick_us:
                assert level_at(charge.limit, state, now + left * 1000) == 0
            ticks = -(-state[0] // charge.limit.refill)
            assert left <= ticks * charge.limit.tick_us // 1000 + 1002


def test_what_is_no_counter_is_none(redis: RedisServer) -> None:
    client = redis.client()
    one = Limit(id="x", name="x", kind=Kind.GCRA, amount=1, period_us=1_000_000)
    client.set("text", "no counter")
    client.delete("list")
    client.rpush("list", "a")
    words = [b"text", b"list", b"\x01\x01", rule(one, 1), rule(one, 1)]
    said = client.eval(SCRIPT.decode(), 2, *words)
    assert isinstance(said, list)
    assert said[2:] == [0, 0]
    assert client.strlen("list") == 16


def test_calls_are_parted_where_lua_could_not_hold_them() -> None:
    one = Limit(id="x", name="x", kind=Kind.GCRA, amount=1, period_us=1_000_000)
    loop = asyncio.new_event_loop()
    nobody: asyncio.Future[Outcome] = loop.create_future()
    waits: list[Wait] = [([Charge(one, b"%d" % n)] * 32, nobody) for n in range(100)]
    made = list(parts(waits))
    assert [w for part in made for w in part] == waits
    sizes = [sum(len(charges) for charges, _ in part) for part in made]
    assert max(sizes) <= MOST_CHARGES
    assert len(made) == 4
    loop.close()
