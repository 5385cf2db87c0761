"""Who is there and how far each is: counted as it changes, as there may be thousands."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from controlplane.seen.fleet import NodeView
from controlplane.xds.connection import Connection
from controlplane.xds.progress import State

SILENT_SECONDS = 60.0
"""A node that answers nothing for so long is waited for no more."""

GONE_SECONDS = 300.0
"""How long a node that left is shown."""

GONE = 1_000
"""How many of them, at most."""

Counted = State | Literal["silent"]


class Roll:
    """All connections. `moved` is called when a node counts as silent."""

    def __init__(self, moved: Callable[[], None]) -> None:
        self._moved = moved
        self._connections: set[Connection] = set()
        self._tally: Counter[tuple[str, Counted]] = Counter()
        self._counted: dict[Connection, tuple[str, Counted]] = {}
        self._patience: dict[Connection, asyncio.TimerHandle] = {}
        self._gone: dict[str, NodeView] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._connections

    def __iter__(self) -> Iterator[Connection]:
        """Go over the connections whose node is known."""
        return iter([c for c in self._connections if c.stream.node])

    def all(self) -> tuple[Connection, ...]:
        """Give every connection, also those that have not said yet who they are."""
        return tuple(self._connections)

    def add(self, connection: Connection) -> None:
        """Take in a connection."""
        self._connections.add(connection)

    def remove(self, connection: Connection, *, shown: bool) -> None:
        """Forget a connection; its node is shown for a while where it should be."""
        self._connections.discard(connection)
        self._count(connection, None)
        self._forget_patience(connection)
        node = connection.stream.node
        if node and shown:
            self._gone.pop(node, None)
            self._gone[node] = replace(connection.view(), state="gone", since=time.time())
            if len(self._gone) > GONE:
                del self._gone[next(iter(self._gone))]

    def states(self, role: str) -> dict[Counted, int]:
        """How many streams of a role are in each state; those that none is in are left out."""
        return {state: n for (of, state), n in self._tally.items() if of == role and n}

    def note(self, connection: Connection, *, answered: bool) -> None:
        """See how far a connection is now; `answered`: it has just said something to a reply."""
        stream = connection.stream
        if not stream.node or connection not in self._connections:
            return
        silent = self._counted.get(connection) == (stream.role, "silent") and not answered
        waiting = stream.state == "waiting"
        self._count(connection, (stream.role, "silent" if silent and waiting else stream.state))
        if answered or not waiting or stream.held:
            self._forget_patience(connection)
        if waiting and not stream.held and not silent and connection not in self._patience:
            later = asyncio.get_running_loop().call_later
            self._patience[connection] = later(SILENT_SECONDS, self._give_up, connection)

    def views(self) -> tuple[NodeView, ...]:
        """Show all nodes that are connected, or were a short time ago, by role and id."""
        there = [c.view() for c in self]
        known = {view.node for view in there}
        since = time.time() - GONE_SECONDS
        self._gone = {n: v for n, v in self._gone.items() if n not in known and v.since > since}
        return tuple(sorted((*there, *self._gone.values()), key=lambda v: (v.role, v.node)))

    def _count(self, connection: Connection, now: tuple[str, Counted] | None) -> None:
        before = self._counted.pop(connection, None)
        if now is not None:
            self._counted[connection] = now
        if now != before:
            self._tally.update([now] if now else [])
            self._tally.subtract([before] if before else [])

    def _forget_patience(self, connection: Connection) -> None:
        timer = self._patience.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def _give_up(self, connection: Connection) -> None:
        self._patience.pop(connection, None)
        self._count(connection, (connection.stream.role, "silent"))
        self._moved()
