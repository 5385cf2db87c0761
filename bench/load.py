"""Load on a gateway from a process of its own, and the book that it keeps of every request."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from bench.child import Child, Words, until

CONNECTIONS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What became of `asked` requests: 200s by body, all others by what went wrong.

    Times of those that were answered are in milliseconds.
    """

    asked: int
    bodies: Mapping[str, int]
    failed: Mapping[str, int]
    p50_ms: float
    p99_ms: float
    slowest_ms: float

    @property
    def failures(self) -> int:
        """How many were not answered with a 200 and an expected body, whatever became of them."""
        return self.asked - sum(self.bodies.values())

    @property
    def told(self) -> str:
        """Failures of how many, with their kinds."""
        kinds = ", ".join(f"{kind}: {n}" for kind, n in self.failed.items())
        return f"{self.failures:,} failed of {self.asked:,}" + (f" ({kinds})" if kinds else "")


class Load:
    """A load that runs."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def book(self) -> Book:
        """The book by now: some requests are under way, and count as asked."""
        return _book(self._child.ask(end=False))

    def end(self) -> Book:
        """Send no more, wait for what is under way, and give the whole book."""
        return _book(self._child.ask(end=True))

    def until(self, what: str, holds: Callable[[Book], object], *, within: float = 60.0) -> Self:
        """Wait until the book is as wanted. Raises TimeoutError."""
        try:
            until(what, lambda: holds(self.book()), within=within)
        except TimeoutError as error:
            raise TimeoutError(error, self.book()) from None
        return self


@contextmanager
def loaded(
    port: int,
    *bodies: str,
    connections: int = CONNECTIONS,
    rate: float = 0.0,
    paths: Sequence[str] = ("/",),
) -> Iterator[Load]:
    """Ask these paths of a port in turn for one of these bodies, until the block ends.

    At `rate` requests a second, or with 0 again as soon as there is an answer.
    """
    words = (str(port), str(connections), str(rate), ",".join(paths), *bodies)
    with Child("bench.load_client", *words) as child:
        yield Load(child)


def _book(words: Words) -> Book:
    return Book(**words)
