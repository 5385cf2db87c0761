"""A client's own book of what it sent and got back, written while something fails.

The gateway's metrics cannot be the judge of the gateway: whether a request that had no right to
pass did pass, or whether one got no answer at all, only its sender knows. `running(load)` sends in
a thread while a test kills and stalls things; the ledger can be read at any time.
"""

import asyncio
import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.e2e.wire import Connection

MOST = 500.0
"""Requests a second: more would measure this machine, not the gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A kind of request, by what it carries, and whether that gives it the right to pass."""

    kind: str
    may_pass: bool
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent: the credentials in turn, at `rate` a second over so many `connections`.

    With `rate` 0 the loop is closed: each connection sends again once it has its answer, at most
    MOST a second together. `timeout` in seconds is how long an answer is waited for.
    """

    host: str
    port: int
    credentials: Sequence[Credential]
    path: str = "/"
    rate: float = 100.0
    connections: int = 16
    timeout: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One request. Times are of `time.monotonic`; `due` is when it should have been sent.

    `status` is 0 where no whole answer came, and `error` says then why.
    """

    id: int
    credential: Credential
    due: float
    sent: float
    answered: float
    status: int = 0
    error: str = ""

    @property
    def lost(self) -> bool:
        """Whether it got no whole answer: refused, cut or timed out."""
        return self.status == 0

    @property
    def passed(self) -> bool:
        """Whether it was let through to the upstream, which answers 200."""
        return self.status == 200

    @property
    def seconds(self) -> float:
        """From when it was due, so that a sender that was held up hides nothing."""
        return self.answered - self.due


class Ledger:
    """Records in the order of their answers; grows while a load runs."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self._records = list(records)

    def add(self, record: Record) -> None:
        """Write one down. Safe beside readers in another thread."""
        self._records.append(record)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(tuple(self._records))

    def between(self, begin: float, end: float) -> "Ledger":
        """Those that were sent and answered inside this time: nothing else touched them."""
        return Ledger([r for r in self if begin <= r.sent and r.answered <= end])

    def of(self, kind: str) -> "Ledger":
        """Those of one kind of credential."""
        return Ledger([r for r in self if r.credential.kind == kind])

    def statuses(self) -> Counter[int]:
        """How often each status came; 0 counts the lost ones."""
        return Counter(r.status for r in self)

    def wrong_allows(self) -> tuple[Record, ...]:
        """Requests that had no right to pass, and passed. One is a catastrophe."""
        return tuple(r for r in self if r.passed and not r.credential.may_pass)

    def wrong_denials(self) -> tuple[Record, ...]:
        """Requests with the right to pass that were told that they lack it (401 or 403)."""
        return tuple(r for r in self if r.status in (401, 403) and r.credential.may_pass)

    def lost(self) -> tuple[Record, ...]:
        """Requests without any answer."""
        return tuple(r for r in self if r.lost)

    def slowest(self) -> float:
        """Seconds of the slowest one, 0 without any."""
        return max((r.seconds for r in self), default=0.0)


@contextlib.contextmanager
def running(load: Load) -> Iterator[Ledger]:
    """Send in a thread of its own while this block runs; after it, nothing is under way."""
    ledger, stop = Ledger(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_play(load, ledger, stop)))
    thread.start()
    try:
        yield ledger
    finally:
        stop.set()
        thread.join()


def wait_for_more(ledger: Ledger, count: int, seconds: float = 10.0) -> None:
    """Wait until so many more answers (or losses) are in the book; raises TimeoutError."""
    wanted, until = len(ledger) + count, time.monotonic() + seconds
    while len(ledger) < wanted:
        if time.monotonic() > until:
            raise TimeoutError(f"{wanted - len(ledger)} of {count} answers are missing")
        time.sleep(0.005)


async def _play(load: Load, ledger: Ledger, stop: threading.Event) -> None:
    """Each connection takes the next number, waits for its turn and sends it, once."""
    numbers = itertools.count()
    spacing = 1 / min(load.rate or MOST, MOST)
    began = time.monotonic()
    ended = asyncio.Event()

    async def send() -> None:
        async with Connection(load.host, load.port) as connection:
            while True:
                number = next(numbers)
                turn = began + number * spacing
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), max(0.0, turn - time.monotonic()))
                if ended.is_set():
                    return
                due = turn if load.rate else time.monotonic()
                ledger.add(await _one(load, connection, number, due))

    async with asyncio.TaskGroup() as group:
        for _ in range(load.connections):
            group.create_task(send())
        await asyncio.to_thread(stop.wait)
        ended.set()


async def _one(load: Load, connection: Connection, number: int, due: float) -> Record:
    credential = load.credentials[number % len(load.credentials)]
    headers = {"host": f"{load.host}:{load.port}", **credential.headers}
    sent, status, error = time.monotonic(), 0, ""
    try:
        async with asyncio.timeout(load.timeout):
            status = await connection.get(load.path, headers)
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as failed:
        error = f"{type(failed).__name__}: {failed}"
        connection.drop()
    return Record(
        id=number,
        credential=credential,
        due=due,
        sent=sent,
        answered=time.monotonic(),
        status=status,
        error=error,
    )
