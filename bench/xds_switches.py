"""A backend is switched by saves of the file, again and again, under as much load as can be."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.child import until
from bench.fleet import NAMES, Stage, served, stage
from bench.load import Book, loaded

SWITCHES, REQUESTS = 20, 60_000
CLUSTERS = "cluster_manager.active_clusters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """The book of the load, and how many clusters Envoy had before and after."""

    book: Book
    before: int
    after: int


def lines() -> Iterator[str]:
    """The measurement in words. Each backend is another cluster, and the last one leaves."""
    for sotw in (True, False):
        with tempfile.TemporaryDirectory() as name:
            done = switched(Path(name), sotw=sotw, switches=SWITCHES, requests=REQUESTS)
        yield (
            f"{'SotW' if sotw else 'delta'}, {SWITCHES} switches: {done.book.told}, goal 0 of "
            f"{REQUESTS:,}; p99 {done.book.p99_ms:.1f} ms, slowest {done.book.slowest_ms:.0f} ms"
        )


def switched(folder: Path, *, sotw: bool, switches: int, requests: int) -> Switched:
    """Switch under load, until the last cluster has left and there were so many requests."""
    with stage(folder) as on:
        on.save(_gateway(on, 0))
        with served(on, sotw=sotw) as (_, envoy):
            until("there is a port", lambda: envoy.stat("listener_manager.listener_create_success"))
            with loaded(on.port, *NAMES) as load:
                load.until("answers", lambda book: NAMES[0] in book.bodies)
                before = envoy.stat(CLUSTERS)
                for number in range(1, switches + 1):
                    to = NAMES[number % 2]
                    had = load.book().bodies.get(to, 0)
                    on.save(_gateway(on, number))
                    load.until(
                        f"switch {number}",
                        lambda book, to=to, had=had: book.bodies.get(to, 0) > had,  # type: ignore[misc] # bound in its round
                    )
                until("the last one left", lambda: envoy.stat(CLUSTERS) == before)
                load.until("requests", lambda book: book.asked >= requests, within=300)
                return Switched(book=load.end(), before=before, after=envoy.stat(CLUSTERS))


def _gateway(on: Stage, number: int) -> str:
    return on.gateway(
        backends=f"  backend-{number}: http://127.0.0.1:@{NAMES[number % 2]}@\n",
        routes=f"  - {{path: /**, to: backend-{number}}}\n",
    )
