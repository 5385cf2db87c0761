"""Whether other limits let more pass: one is kept where as little may come, at once and in time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TypeAlias

from policies.guards import Judged, TogetherStep, Weaker, WeakerStep
from policies.limits.counters import Counter, Counters

Bucket: TypeAlias = tuple[str, str]
"""The identity of a limit, and of one per route the route."""


def _weaker(before: Counters | None, after: Counters | None) -> Iterator[Weaker]:
    now = () if after is None else after.all
    for one in () if before is None else before.all:
        alike = [other for other in now if other.per == one.per]
        if any(_as_strict(one, other) for other in alike):
            continue
        if not alike:
            yield Weaker(what=f"the limit per {one.per} of {_shown(one)} is lost")
            continue
        nearest = next((o for o in alike if o.rate.unit == one.rate.unit), alike[0])
        yield Weaker(
            what=f"the limit per {one.per} is {_shown(nearest)}, and was {_shown(one)}",
            comparable=_as_strict(nearest, one),
        )


def _as_strict(before: Counter, after: Counter) -> bool:
    return _speed(after) <= _speed(before) and after.burst <= before.burst


def _speed(one: Counter) -> Fraction:
    return Fraction(one.rate.amount, one.rate.period_us)


def _shown(one: Counter) -> str:
    burst = f" with a burst of {one.burst}" if one.burst != one.rate.in_a_second else ""
    return f"{one.rate}{burst}"


def _apart(pairs: Iterable[tuple[Judged, Judged]]) -> Iterator[tuple[int, Weaker]]:
    """One counter whose requests are now counted in several: each lets as much pass."""
    became: dict[Bucket, dict[Bucket, int]] = defaultdict(dict)
    shown: dict[Bucket, Counter] = {}
    for position, (before, after) in enumerate(pairs):
        old: Counters | None = before.settings
        new: Counters | None = after.settings
        if old is None or new is None:
            continue
        for one in old.all:
            alike = [o for o in new.all if o.per == one.per and _as_strict(one, o)]
            kept = next((o for o in alike if o.id == one.id), alike[0] if alike else None)
            if kept is not None:
                bucket = _bucket(one, before.rule)
                became[bucket].setdefault(_bucket(kept, after.rule), position)
                shown[bucket] = one
    for name, counters in became.items():
        if len(counters) > 1:
            one = shown[name]
            what = f"what one limit per {one.per} of {_shown(one)} counted together"
            apart = Weaker(what=f"{what} is counted in {len(counters)} counters")
            yield from ((position, apart) for position in counters.values())


def _bucket(one: Counter, rule: str) -> Bucket:
    return one.id, rule if one.per == "route" else ""


WEAKER: Mapping[str, WeakerStep] = {"limits": _weaker}

TOGETHER: Mapping[str, TogetherStep] = {"limits": _apart}
