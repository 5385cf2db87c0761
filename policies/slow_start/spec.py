"""The settings of `slowStart`."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from language.durations import duration
from policies.contract import BackendFacts, BackendKey, Fault, Settings

_GROWING = ("roundRobin", "leastRequest")


def _unfit(_settings: int, _facts: BackendFacts, others: Mapping[str, Settings]) -> Iterable[Fault]:
    way = others.get("balance", "roundRobin")
    if way not in _GROWING:
        words = f"'{way}'" if isinstance(way, str) else "balance by hash"
        message = f"{words} gives every endpoint its whole share at once"
        yield Fault(path=(), message=message, hint="leave it out, or balance by leastRequest")


KEYS = (
    BackendKey(
        name="slowStart",
        settings=Annotated[int, *duration("1s", "1h")],
        summary="How long an endpoint that is new gets less than its share of requests.",
        example="slowStart: 30s",
        in_envoy="each Envoy knows since when it has an endpoint",
        unfit=_unfit,
    ),
)
