"""May a request pass its limits? All of them together, in whole numbers, without a clock.

GCRA (ITU-T I.371) as a leaky bucket: what was spent leaks out evenly, and a request passes when
what it costs still fits. A fixed window is the same bucket with one leak at the window's end that
takes all (windows are aligned to the epoch). So there is one arithmetic, on integers below 2^53,
and `ratelimit/stores/script.lua` says it once more, in doubles, with the same results.
"""

from collections.abc import Mapping, Sequence

from decision.counters import (
    MOST_UNITS,
    Charge,
    Kind,
    Limit,
    Outcome,
    Standing,
    State,
)

__all__ = ["Charge", "Kind", "Limit", "Outcome", "Standing", "State"]

MOST_AMOUNT = 10**12
LONGEST_US = 366 * 24 * 3600 * 1_000_000


def fault(limit: Limit) -> str | None:
    """Why a limit's numbers are none that can be counted, if so."""
    if not 1 <= limit.amount <= MOST_AMOUNT:
        return f"amount {limit.amount} is not between 1 and {MOST_AMOUNT}"
    if not 1 <= limit.period_us <= LONGEST_US:
        return f"period {limit.period_us} µs is not between 1 µs and 366 days"
    if limit.kind is Kind.FIXED_WINDOW:
        return None
    if not 1 <= limit.burst <= MOST_AMOUNT:
        return f"burst {limit.burst} is not between 1 and {MOST_AMOUNT}"
    if limit.capacity > MOST_UNITS:
        return f"burst {limit.burst} is too much for its period: at most {MOST_UNITS // limit.unit}"
    return None


def decide(
    charges: Sequence[Charge], states: Mapping[bytes, State], now: int
) -> tuple[Outcome, dict[bytes, State]]:
    """Decide the charges of one request by the states of their keys (none: nothing is spent).

    `now` is in microseconds since the epoch. The states that it leaves behind are returned: none
    when the request is denied or only looks.
    """
    levels: list[int] = []
    after: dict[bytes, int] = {}
    for charge in charges:
        level = after.get(charge.key)
        if level is None:
            level = level_at(charge.limit, states.get(charge.key), now)
        levels.append(level)
        met = level + charge.hits * charge.limit.unit
        after[charge.key] = met if met <= charge.limit.capacity else level
    outcome = judged(charges, levels, now)
    if not outcome.admitted:
        return outcome, {}
    changed = {}
    for charge in charges:
        if charge.hits:
            tick = now // charge.limit.tick_us
            state = states.get(charge.key)
            changed[charge.key] = (after[charge.key], max(tick, state[1]) if state else tick)
    return outcome, changed


def level_at(limit: Limit, state: State | None, now: int) -> int:
    """What of a state is still spent. A clock that stepped back gives nothing back."""
    if state is None:
        return 0
    level, tick = state
    passed = now // limit.tick_us - tick
    return max(0, level - passed * limit.refill) if passed > 0 else level


def judged(charges: Sequence[Charge], levels: Sequence[int], now: int) -> Outcome:
    """The outcome of charges that met these levels.

    A key's second charge in one request meets the level above its first, if that fits.
    """
    admitted = True
    for (limit, _, hits), level in zip(charges, levels, strict=True):
        if level + hits * limit.unit > limit.capacity:
            admitted = False
            break
    standings = []
    for (limit, _, hits), level in zip(charges, levels, strict=True):
        unit, capacity = limit.unit, limit.capacity
        met = level + hits * unit
        left = met if admitted else level
        standings.append(
            Standing(
                met <= capacity,
                (capacity - left) // unit if left < capacity else 0,
                full_at(limit, left, now) - now,
                full_at(limit, min(met - capacity, level), now) - now if met > capacity else 0,
            )
        )
    return Outcome(admitted, tuple(standings), now)


def full_at(limit: Limit, level: int, now: int) -> int:
    """When nothing of a level will be spent any more, in microseconds since the epoch."""
    if not level:
        return now
    return (now // limit.tick_us - -level // limit.refill) * limit.tick_us
