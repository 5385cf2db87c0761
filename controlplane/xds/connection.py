"""One open stream of the ADS server: what of it changes, and the task that writes it out."""

import asyncio
from collections import deque
from typing import TypeAlias

import grpc

from controlplane.xds.stream import Acked, Close, Ignored, Nacked, Send, Step, Stream, Wanted
from controlplane.xds.subscription import Push
from controlplane.xds.wire import WRITE

Told: TypeAlias = Acked | Nacked | Ignored | Wanted
"""What others want to hear of a stream."""

Context = grpc.aio.ServicerContext[bytes, bytes]


class Connection:
    """What changes while a stream is open: its state, and the pushes that wait to be written."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.outbox: deque[Push] = deque()
        self.filled = asyncio.Event()
        self.ended = False
        self.close: Close | None = None
        self.nacks: dict[str, Nacked] = {}

    def end(self) -> None:
        """Have the writer stop. It is not cancelled: gRPC sends no status past half a write."""
        self.ended = True
        self.outbox.clear()
        self.filled.set()

    def take(self, step: Step) -> tuple[Told, ...]:
        """Go on to the next state; return what others want to hear of it."""
        self.stream = step.stream
        heard: list[Told] = []
        for event in step.events:
            match event:
                case Send():
                    self.outbox.append(event.push)
                    self.filled.set()
                case Close():
                    self.close = event
                case Acked():
                    self.nacks.pop(event.type_url, None)
                    heard.append(event)
                case Nacked():
                    self.nacks[event.type_url] = event
                    heard.append(event)
                case Ignored() | Wanted():
                    heard.append(event)
        return tuple(heard)


async def write_out(connection: Connection, context: Context) -> None:
    """Write what waits. A push is laid out only when its turn has come, so none is held twice."""
    write = WRITE[connection.stream.delta]
    while not connection.ended:
        await connection.filled.wait()
        connection.filled.clear()
        while connection.outbox:
            try:
                await context.write(write(connection.outbox.popleft()))
            except grpc.aio.InternalError:  # the client is gone; the reader hears of it
                return
