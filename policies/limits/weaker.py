"""Whether other limits let more pass: one is kept where as little may come, at once and in time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from policies.guards import TogetherStep, Weaker, WeakerStep
from policies.limits.counters import Counter, Counters


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


def _apart(
    pairs: Iterable[tuple[Counters | None, Counters | None]],
) -> Iterator[tuple[int, Weaker]]:
    """One counter whose requests are now counted in several: each lets as much pass."""
    became: dict[str, dict[str, int]] = defaultdict(dict)
    shown: dict[str, Counter] = {}
    for position, (before, after) in enumerate(pairs):
        if before is None or after is None:
            continue
        for one in before.all:
            alike = [o for o in after.all if o.per == one.per and _as_strict(one, o)]
            kept = next((o for o in alike if o.id == one.id), alike[0] if alike else None)
            if kept is not None:
                became[one.id].setdefault(kept.id, position)
                shown[one.id] = one
    for name, counters in became.items():
        if len(counters) > 1:
            one = shown[name]
            what = f"what one limit per {one.per} of {_shown(one)} counted together"
            apart = Weaker(what=f"{what} is counted in {len(counters)} counters")
            yield from ((position, apart) for position in counters.values())


WEAKER: Mapping[str, WeakerStep] = {"limits": _weaker}

TOGETHER: Mapping[str, TogetherStep] = {"limits": _apart}
