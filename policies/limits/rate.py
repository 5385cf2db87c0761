"""Rates as users write them: `100/s`, `10k/day`."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.scalars import fault, one_text
from language.suggest import nearest

MOST = 1_000_000_000
"""The largest amount, of any unit: one in a nanosecond."""

SECOND = 1_000_000
UNITS = {
    "s": SECOND,
    "min": 60 * SECOND,
    "h": 3600 * SECOND,
    "day": 86_400 * SECOND,
    "week": 7 * 86_400 * SECOND,
    "month": 30 * 86_400 * SECOND,
}
"""How long each unit is in microseconds. A rate refills evenly, so its month is always 30 days."""

_THOUSANDS = {"": 1, "k": 1000, "M": 1_000_000}
_RATE = re.compile(rf"(?P<number>0|[1-9][0-9]{{0,17}})(?P<k>[kM]?)/(?P<unit>{'|'.join(UNITS)})")
_NEAR = re.compile(
    r"(?P<number>[0-9][0-9_,]{0,17}(?:\.[0-9]{1,6})?)\s*(?P<k>[kKmM]?)\s*"
    r"(?:(?:/|per)\s*(?P<times>[1-9][0-9]{0,3})?\s*(?P<unit>[A-Za-z]+)|(?P<rp>[rq]p[smh]))"
)
_WRITE = "write 100/s, 10k/min or 1M/day"
_OTHER_WORDS = {
    **dict.fromkeys(("sec", "secs", "second", "seconds", "rps", "qps"), "s"),
    **dict.fromkeys(("mins", "minute", "minutes", "rpm", "qpm"), "min"),
    **dict.fromkeys(("hr", "hour", "hours", "rph", "qph"), "h"),
    **dict.fromkeys(("d", "days"), "day"),
    **dict.fromkeys(("w", "weeks"), "week"),
    **dict.fromkeys(("mo", "mon", "months"), "month"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many in each of a unit (a key of UNITS)."""

    amount: int
    unit: str

    @property
    def period_us(self) -> int:
        """The unit in microseconds."""
        return UNITS[self.unit]

    @property
    def in_a_second(self) -> int:
        """What refills in one second, at least 1: how many may come at once unless a file says."""
        return max(1, self.amount * SECOND // self.period_us)

    def __str__(self) -> str:
        """Give it as users write it."""
        for k, thousands in (("M", 1_000_000), ("k", 1000)):
            if self.amount % thousands == 0:
                return f"{self.amount // thousands}{k}/{self.unit}"
        return f"{self.amount}/{self.unit}"


def _rate(value: object) -> Rate:
    text = one_text(value, _WRITE)
    found = _RATE.fullmatch(text)
    if not found:
        raise fault(f"'{text}' is not a rate", _meant(text))
    amount = int(found["number"]) * _THOUSANDS[found["k"]]
    if not amount:
        raise fault(f"{text} lets nobody pass", "write at least 1, or respond: {status: 403}")
    if amount > MOST:
        raise fault(f"{text} is out of range", "write at most 1000M")
    return Rate(amount=amount, unit=found["unit"])


def _meant(text: str) -> str:
    """Name the rate that was meant by `100/sec`, `1K/s`, `1.5k/h`, `100 rps` or `100`."""
    if re.fullmatch(r"[1-9][0-9]{0,8}[kM]?", text):
        return f"say in which time: write {text}/s or {text}/min"
    near = _NEAR.fullmatch(text.strip())
    if near is None:
        return _WRITE
    if near["k"] == "m":
        return "M is a million, k a thousand"
    word = (near["unit"] or near["rp"]).lower()
    number = re.sub("[_,]", "", near["number"])
    if word == "m":
        return f"write {number}{near['k']}/min or {number}{near['k']}/month"
    unit = word if word in UNITS else _OTHER_WORDS.get(word) or nearest(word, UNITS)
    if unit is None:
        return f"a rate is per {', '.join(UNITS)}"
    k = near["k"].replace("K", "k")
    plain = number.isdecimal() and not near["times"]
    amount = Fraction(number) * _THOUSANDS[k] / int(near["times"] or 1)
    return f"write {int(number)}{k}/{unit}" if plain else _in_whole_numbers(amount, unit)


def _in_whole_numbers(amount: Fraction, unit: str) -> str:
    """The hint for a rate that is none in its own unit: `1.5/s` is 90 in a minute."""
    for other in list(UNITS)[list(UNITS).index(unit) :]:
        found = amount * UNITS[other] / UNITS[unit]
        if found and found.denominator == 1:
            return f"write {found}/{other}"
    return "write a whole number, of a longer time"


def other_time(rate: Rate) -> str:
    """An equal rate in another unit, to be shown after a hint; nothing where there is none."""
    for unit, longer, times in (("s", "min", 60), ("min", "h", 60), ("h", "day", 24)):
        if rate.unit == unit:
            return f": {rate.amount * times}/{longer}"
    return ""


RateText: TypeAlias = Annotated[
    Rate,
    BeforeValidator(_rate),
    WithJsonSchema(
        {"type": "string", "pattern": rf"^[1-9][0-9]*[kM]?/({'|'.join(UNITS)})$"},
    ),
]
"""A whole amount, perhaps in thousands (`k`) or millions (`M`), per `s` to `month`."""
