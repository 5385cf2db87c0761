"""`foregate explain` on 10,000 routes that are loaded: requests spread over them, and 404s."""

import statistics
import time
from collections.abc import Iterator, Sequence

from bench.gateways import folder
from controlplane.build import Options, build
from controlplane.explaining.explaining import Explaining
from controlplane.explaining.request import Request
from controlplane.explaining.told import Told
from controlplane.plan.plan import Plan
from controlplane.sources import SourceFile
from foregate.explaintext import text

ROUTES, ASKED = 10_000, 200
GOAL = "goal 20 ms"

LAYOUTS = {"100 hosts": 100, "one host": 1}


def lines() -> Iterator[str]:
    """The measurement in words: what is told, and written as the command does."""
    for name, hosts in LAYOUTS.items():
        explaining = Explaining(_plan(folder(ROUTES, hosts)))
        each = ROUTES // hosts
        first = _milliseconds(explaining, [_match(0, 0)])[0]
        matches = _milliseconds(explaining, [_match(*_spread(n, hosts, each)) for n in _every()])
        nothing = _milliseconds(explaining, [_nothing(n % hosts) for n in _every()])
        yield (
            f"{ROUTES:,} routes, {name}, loaded, {ASKED} requests each: "
            f"a match {_told(matches)}, a 404 {_told(nothing)}; {GOAL}; "
            f"the first of all, for which a host is made ready, {first:.1f} ms"
        )


def _plan(files: tuple[SourceFile, ...]) -> Plan:
    built = build(files, Options())
    if built.plan is None or built.snapshot is None:
        raise ValueError(built.mistakes[:3])
    return built.plan


def _every() -> range:
    return range(ASKED)


def _spread(number: int, hosts: int, each: int) -> tuple[int, int]:
    """A host and one of its routes; the last request is to the last route of the last host."""
    at = (number + 1) * ROUTES // ASKED - 1
    return at // each % hosts, at % each


def _match(host: int, route: int) -> Request:
    """A request that this route of `bench.gateways` takes."""
    kind = route % 4
    target = {
        0: f"/v1/things-{route}/a/b",
        1: f"/v1/things-{route}/7/parts",
        2: f"/v1/things-{route}?beta=true",
        3: f"/old/things-{route}/a",
    }[kind]
    headers = (("x-api-version", "2"),) if kind == 1 else ()
    return Request(method="GET", host=f"team-{host}.example.com", target=target, headers=headers)


def _nothing(host: int) -> Request:
    return Request(method="GET", host=f"team-{host}.example.com", target="/v1/thingz-1/a/b/c")


def _milliseconds(explaining: Explaining, asked: Sequence[Request]) -> list[float]:
    took = []
    for one in asked:
        began = time.perf_counter()
        told = explaining.told(one)
        text(told, (), everything=False, colour=False)
        took.append((time.perf_counter() - began) * 1000)
        _check(one, told)
    return took


def _check(asked: Request, told: Told) -> None:
    if (told.winner is None) != ("thingz" in asked.target):
        raise ValueError(asked)


def _told(took: list[float]) -> str:
    return f"p50 {statistics.median(took):.1f} ms, slowest {max(took):.1f} ms"
