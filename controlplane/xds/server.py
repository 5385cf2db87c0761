"""The ADS server: the sockets around the pure streams.

    async with Server("unix:/run/foregate/xds.sock", heard=print) as server:
        server.publish(snapshot)
        outcome = await server.settled(snapshot.version, within=5)

Every stream is read all the time and written by a task of its own, so a client that does not read
delays nobody, and holds at most one push a type in memory.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

import grpc
import structlog
from google.protobuf.message import DecodeError

from controlplane.snapshot import Snapshot
from controlplane.xds.stream import Acked, Close, Ignored, Nacked, Send, Step, Stream
from controlplane.xds.subscription import Push
from controlplane.xds.wire import READ, WRITE
from controlplane.xds.world import World, world

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"

MESSAGE_BYTES = 4 * 2**20
"""The largest request that is read. 100,000 names of 40 characters fit."""

Heard = Acked | Nacked | Ignored
Context = grpc.aio.ServicerContext[bytes, bytes]
_log = structlog.get_logger(__name__)

_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second server on the same address fails instead of sharing it
    ("grpc.max_concurrent_streams", 100),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a published version ended up on the connected nodes.

    `rejected`: a node refused a part of it; `nacks` are its words, also those about content that
    an earlier version brought. `superseded`: another version was published meanwhile. `late`: the
    time is up; `waiting` are the nodes without an answer, empty when none was connected.
    """

    state: Literal["live", "rejected", "superseded", "late"]
    nacks: tuple[Nacked, ...] = ()
    waiting: tuple[str, ...] = ()


class Server:
    """An ADS server, SotW and delta, on one address (`unix:PATH` or `HOST:PORT`).

    `heard` is called on the event loop with each ACK, each NACK and each unknown type. `port` is
    the one that was bound, 0 on a Unix socket. The server starts without a snapshot: until the
    first `publish` its streams end with UNAVAILABLE and clients come back.
    """

    def __init__(self, address: str, *, heard: Callable[[Heard], None] | None = None) -> None:
        self.port = 0
        self._heard = heard
        self._world: World | None = None
        self._connections: set[_Connection] = set()
        self._moved = asyncio.Event()
        self._server = grpc.aio.server(options=_OPTIONS)
        methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "StreamAggregatedResources": grpc.stream_stream_rpc_method_handler(self._sotw),
            "DeltaAggregatedResources": grpc.stream_stream_rpc_method_handler(self._delta),
        }
        handler = grpc.method_handlers_generic_handler(SERVICE, methods)
        self._server.add_generic_rpc_handlers((handler,))
        self._address = address

    async def __aenter__(self) -> Self:
        """Bind and start. Raises RuntimeError when the address is taken."""
        self.port = self._server.add_insecure_port(self._address)
        await self._server.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all streams and close the socket. Nodes keep what they have."""
        await self._server.stop(grace=None)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The ids of the connected nodes, one for each of their streams."""
        return tuple(sorted(c.stream.node for c in self._connections if c.stream.node))

    def publish(self, snapshot: Snapshot) -> None:
        """Bring every connected node to this snapshot, and those that come later."""
        self._world = world(snapshot)
        for connection in self._connections:
            connection.take(connection.stream.publish(self._world))
        self._moved.set()

    async def settled(self, version: str, *, within: float, nodes: int = 1) -> Outcome:
        """Wait until `nodes` or more are connected and all of them answered this version.

        `within` is in seconds; when they are over the outcome is `late`.
        """
        try:
            async with asyncio.timeout(within):
                while True:
                    outcome = self._outcome(version, nodes)
                    if outcome is not None:
                        return outcome
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            streams = [c.stream for c in self._connections if c.stream.node]
            late = tuple(s.node for s in streams if s.state == "waiting")
            return Outcome(state="late", waiting=late)

    def _outcome(self, version: str, nodes: int) -> Outcome | None:
        if self._world is not None and self._world.version != version:
            return Outcome(state="superseded")
        states = {c.stream.state for c in self._connections if c.stream.node}
        if len(self.nodes) < nodes or "waiting" in states or self._world is None:
            return None
        if "rejected" in states:
            nacks = tuple(n for c in self._connections for n in c.nacks.values())
            return Outcome(state="rejected", nacks=nacks)
        return Outcome(state="live")

    async def _sotw(self, _: object, context: Context) -> None:
        await self._serve(context, delta=False)

    async def _delta(self, _: object, context: Context) -> None:
        await self._serve(context, delta=True)

    async def _serve(self, context: Context, *, delta: bool) -> None:
        """Keep one stream until either side ends it."""
        stream = Stream(id=secrets.token_hex(4), delta=delta, world=self._world)
        connection = _Connection(stream)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_write(connection, context))
                await self._read(connection, context)
                connection.end()
        finally:
            self._connections.discard(connection)
            self._moved.set()
            _log.info("xds stream ended", node=connection.stream.node, delta=delta)
        close = connection.close
        if close is not None:
            _log.warning("xds stream refused", status=close.status, why=close.message)
            with suppress(grpc.aio.InternalError):  # the client is gone and asks for no reason
                await context.abort(grpc.StatusCode[close.status], close.message)

    async def _read(self, connection: "_Connection", context: Context) -> None:
        """Take in requests until the client ends the stream or does something wrong."""
        delta = connection.stream.delta
        while connection.close is None:
            data: object = await context.read()
            if not isinstance(data, bytes):  # grpc.aio.EOF: the client has ended the stream
                return
            try:
                request = READ[delta](data)
            except DecodeError:
                connection.close = Close(status="INVALID_ARGUMENT", message="not a request")
                return
            known = connection.stream.node
            for event in connection.take(connection.stream.receive(request)):
                self._tell(event)
            if not known and connection.stream.node:
                _log.info("xds node connected", node=connection.stream.node, delta=delta)
            self._moved.set()

    def _tell(self, event: Heard) -> None:
        match event:
            case Nacked():
                _log.warning(
                    "xds rejected", node=event.node, type=event.type_url, why=event.message
                )
            case Ignored():
                _log.warning("xds type unknown", node=event.node, type=event.type_url)
            case Acked():
                _log.debug("xds acked", node=event.node, type=event.type_url)
        if self._heard is not None:
            self._heard(event)


class _Connection:
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

    def take(self, step: Step) -> tuple[Heard, ...]:
        """Go on to the next state; return what others want to hear of it."""
        self.stream = step.stream
        heard: list[Heard] = []
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
                case Ignored():
                    heard.append(event)
        return tuple(heard)


async def _write(connection: _Connection, context: Context) -> None:
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
