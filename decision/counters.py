"""What is counted: limits, what a request charges them, and the stores that decide on it.

The arithmetic is `policies.limits.check`; here is what it and the stores share. A limit's `level`
is what is spent of it, in units: one hit weighs `unit`, and `capacity` units may be spent at once.

What is made for each decision are named tuples: a frozen dataclass takes 1.0 to 1.3 µs to make,
they take 0.3, and `bench limiting` counts up to three of them in a decision of 5 µs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol, TypeAlias

DAY_US = 86_400_000_000
AT_ONCE = 2**53
"""More than any level (`MOST_UNITS`), so a tick that gives back so much gives back all."""

MOST_UNITS = 2**52
"""The bound of `capacity`: levels, costs and their sums stay integers that a double holds."""


class Kind(Enum):
    """How a limit refills."""

    GCRA = "gcra"
    FIXED_WINDOW = "fixed window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """`amount` in each `period_us` microseconds; a GCRA admits `burst` at once.

    `id` is the counter's identity, `name` what clients see. The rest follows from these, and does
    not depend on amount and burst where it says what a stored level means (`tick_us`, `unit`), so
    that a change of a number resets nothing:

    - GCRA: a hit weighs as many units as the period has ticks, and each tick gives `amount` units
      back, so all is whole numbers. A tick is 1 µs. For periods of a day and more it is 1 ms, so
      that a burst of a million fits: a hit may then pass up to 1 ms early, never one too many.
    - Fixed window: a hit weighs one unit, a tick is the window, and gives all back.
    """

    id: str
    name: str
    kind: Kind
    amount: int
    period_us: int
    burst: int = 1
    tick_us: int = field(init=False)
    unit: int = field(init=False)
    refill: int = field(init=False)
    capacity: int = field(init=False)

    def __post_init__(self) -> None:
        if self.kind is Kind.FIXED_WINDOW:
            tick, unit, refill, capacity = self.period_us, 1, AT_ONCE, self.amount
        else:
            coarse = self.period_us >= DAY_US and self.period_us % 1000 == 0
            tick = 1000 if coarse else 1
            unit, refill = self.period_us // tick, self.amount
            capacity = self.burst * unit
        object.__setattr__(self, "tick_us", tick)
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "refill", refill)
        object.__setattr__(self, "capacity", capacity)


class Charge(NamedTuple):
    """`hits` (0: a look) that a request puts on one counter; `key` is the limit and the caller."""

    limit: Limit
    key: bytes
    hits: int = 1


State: TypeAlias = tuple[int, int]
"""A counter at rest: its level, and the tick (since the epoch) at which it was that."""


class Standing(NamedTuple):
    """Where a caller stands at one limit after the decision.

    `admitted` is this limit's own word. `remaining` hits, `reset_us` until nothing is spent,
    `retry_us` until what was refused would pass (0 when it was not refused; what never can pass:
    until nothing is spent).
    """

    admitted: bool
    remaining: int
    reset_us: int
    retry_us: int


class Outcome(NamedTuple):
    """What was decided, standings in the order of the charges; `now` in µs by the store's clock."""

    admitted: bool
    standings: tuple[Standing, ...]
    now: int


class CountersDownError(Exception):
    """The store can not decide in time; whether it charged is not known."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class CounterStore(Protocol):
    """Where levels are kept."""

    async def decide(self, charges: Sequence[Charge], within: float) -> Outcome:
        """Decide the charges of one request together, in at most `within` seconds.

        All must admit, or none is charged. Raises CountersDownError.
        """
