"""One open stream of the ADS server: what of it changes, and the task that writes it out."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import grpc

from controlplane.seen.fleet import NodeState, NodeView, TypeView
from controlplane.xds.discovery import Push
from controlplane.xds.events import Acked, Close, Event, Ignored, Nacked, Send, Wanted
from controlplane.xds.progress import State
from controlplane.xds.stream import Step, Stream
from controlplane.xds.wire import WRITE

LATE_SECONDS = 5.0
"""After this long without its answers a node counts as late."""

BIG = 64 * 1024
"""Bytes of a reply above which only so many are laid out at once."""

BIG_SECONDS = 1.0
"""How long a client that reads slowly keeps others waiting with theirs."""

WRITE_SECONDS = 60.0
"""How long a client may take to read one reply: then its stream ends, whatever its pings say."""

Told: TypeAlias = Acked | Nacked | Ignored | Wanted
"""What others want to hear of a stream."""

Wrote: TypeAlias = Callable[["Connection", Push, int], None]

Noted: TypeAlias = Callable[[Stream], Awaitable[None]]
"""Waits until what is sent to a node is known to who comes after us."""

Context = grpc.aio.ServicerContext[bytes, bytes]


class Connection:
    """What changes while a stream is open: its state, and the pushes that wait to be written."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.outbox: deque[Push] = deque()
        self.filled = asyncio.Event()
        self.ended = False
        self.stuck = False
        self.task = asyncio.current_task()
        self.close: Close | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.counted: tuple[str, State] | None = None
        self.writing = 0
        self.nacks: dict[str, Nacked] = {}
        self._types: dict[str, TypeView] = {}
        self._since = time.time()
        self._unanswered_since = time.monotonic()

    def end(self) -> None:
        """Have the writer stop. It is not cancelled: gRPC sends no status past half a write."""
        self.ended = True
        self.outbox.clear()
        self.filled.set()
        if self.timer is not None:
            self.timer.cancel()

    def give_up(self) -> None:
        """End the stream of who does not read. It cannot be told so: the way is blocked."""
        self.stuck = True
        message = f"a reply was not read within {WRITE_SECONDS:g} s"
        self.close = Close(status="DEADLINE_EXCEEDED", message=message)
        if self.task is not None:
            self.task.cancel()

    def take(self, step: Step) -> tuple[Told, ...]:
        """Go on to the next state; return what others want to hear of it."""
        if self.stream.state != "waiting" or self.stream.held:
            self._unanswered_since = time.monotonic()
        self.stream = step.stream
        heard: list[Told] = []
        for event in step.events:
            self._note(event)
            match event:
                case Send():
                    self.outbox.append(event.push)
                    self.filled.set()
                case Close():
                    self.close = event
                case Acked() | Nacked() | Ignored() | Wanted():
                    heard.append(event)
        return tuple(heard)

    def _note(self, event: Event) -> None:
        """Remember what the fleet view shows."""
        now = time.time()
        match event:
            case Send(push=push):
                self._see(push.type_url, sent=push.version, sent_at=now)
            case Acked():
                mine = self.stream.subscriptions.get(event.type_url)
                if mine is not None and mine.refusing:
                    self._see(event.type_url, acked=event.version, acked_at=now)
                    return
                self.nacks.pop(event.type_url, None)
                known = self._types.get(event.type_url)
                self._see(event.type_url, acked=event.version, acked_at=now)
                if known is None or known.acked != event.version:
                    self._see(event.type_url, message="")  # what was taken back stays told
            case Nacked():
                self.nacks[event.type_url] = event
                self._see(
                    event.type_url, nacked=event.version, nacked_at=now, message=event.message
                )

    def _see(self, type_url: str, **seen: str | float) -> None:
        known = self._types.get(type_url) or TypeView(type_url=type_url)
        self._types[type_url] = replace(known, **seen)  # type: ignore[arg-type] # as TypeView has them

    def view(self) -> NodeView:
        """Show the node as it is."""
        stream = self.stream
        state: NodeState = stream.state
        late = time.monotonic() - self._unanswered_since > LATE_SECONDS
        if state == "waiting" and late and not stream.held:
            state = "late"
        return NodeView(
            node=stream.node,
            role=stream.role,
            group=stream.group,
            software=stream.software,
            delta=stream.delta,
            since=self._since,
            version=stream.world.version if stream.world and stream.held != "all" else "",
            state=state,
            phase=stream.phase,
            waiting=sum(s.pending is not None for s in stream.subscriptions.values()),
            queued_bytes=self.writing,
            types=tuple(self._types.values()),
        )


async def write_out(
    connection: Connection, context: Context, turns: asyncio.Semaphore, wrote: Wrote, noted: Noted
) -> None:
    """Write what waits, once it is noted that it is sent.

    A push is laid out only when its turn has come, so none is held twice.
    """
    while not connection.ended:
        await connection.filled.wait()
        connection.filled.clear()
        while connection.outbox:
            push = connection.outbox.popleft()
            await noted(connection.stream)
            try:
                size = await _write(connection, context, push, turns)
            except grpc.aio.InternalError:
                return  # the client is gone; the reader hears of it
            wrote(connection, push, size)


async def _write(
    connection: Connection, context: Context, push: Push, turns: asyncio.Semaphore
) -> int:
    """Write one reply; return its size. Raises InternalError when the client is gone."""
    write = WRITE[connection.stream.delta]
    connection.writing = sum(len(one.body) for one in push.resources)
    giving_up = asyncio.get_running_loop().call_later(WRITE_SECONDS, connection.give_up)
    try:
        if connection.writing < BIG:
            data = write(push)
            await context.write(data)
            return len(data)
        await turns.acquire()
        held = [turns]
        handing_on = asyncio.get_running_loop().call_later(BIG_SECONDS, _release, held)
        try:
            data = write(push)
            await context.write(data)
        finally:
            handing_on.cancel()
            _release(held)
        return len(data)
    finally:
        giving_up.cancel()
        connection.writing = 0


def _release(held: list[asyncio.Semaphore]) -> None:
    """Give a turn back, once."""
    if held:
        held.pop().release()
