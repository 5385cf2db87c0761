"""The ADS server: the sockets around the pure streams.

    async with Server("unix:/run/foregate/xds.sock", heard=print) as server:
        server.publish(snapshot)
        outcome = await server.settled(snapshot.version, within=5)

Every stream is read all the time and written by a task of its own, so a client that does not read
delays nobody, and holds at most one push a type in memory.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
from google.protobuf.message import DecodeError

from controlplane.seen.fleet import NodeView
from controlplane.snapshot import Resource, Snapshot
from controlplane.xds.connection import Connection, Context, write_out
from controlplane.xds.disk import Disk
from controlplane.xds.events import Close
from controlplane.xds.ledger import Ledger
from controlplane.xds.memory import Lasting
from controlplane.xds.news import Heard
from controlplane.xds.node import unfit
from controlplane.xds.options import ServerOptions
from controlplane.xds.outcome import Outcome
from controlplane.xds.progress import State
from controlplane.xds.stream import Stream
from controlplane.xds.streams import Manner, Streams
from controlplane.xds.wire import READ
from controlplane.xds.world import ENVOY, world
from serving.address import UNIX
from serving.sockets import clear, group_only

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"

MESSAGE_BYTES = 4 * 2**20
"""The largest request that is read. 100,000 names of 40 characters fit."""

BIG_AT_ONCE = 16
"""How many big replies are laid out at once."""

FIRST_SECONDS = 10.0
"""How long a client may take from opening a stream to its first request."""

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


class Server:
    """An ADS server, SotW and delta, on one address (`unix:PATH` or `HOST:PORT`).

    `heard` is called on the event loop with each ACK, each NACK, each unknown type, each name that
    is asked for where only the asking counts, and each change of a service's ready instances; it
    may publish. `port` is the one that was bound, 0 on a Unix socket. The server starts without a
    snapshot: until a role's first `publish` its streams end with UNAVAILABLE and clients come back.
    """

    def __init__(
        self,
        address: str,
        *,
        heard: Callable[[Heard], None] | None = None,
        options: ServerOptions | None = None,
    ) -> None:
        self.port = 0
        mine = options or ServerOptions()
        memory = Lasting(mine.memory)
        self._remembering = memory.records
        self._disk = Disk(memory)
        self._streams = Streams(
            heard=heard,
            memory=memory,
            meter=mine.meter,
            manner=Manner(
                drain_seconds=mine.drain_seconds,
                starting=mine.starting,
                singly=mine.singly,
                quiet=mine.quiet,
            ),
        )
        self._turns = asyncio.Semaphore(BIG_AT_ONCE)
        self._server = grpc.aio.server(options=_OPTIONS)
        methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "StreamAggregatedResources": grpc.stream_stream_rpc_method_handler(self._sotw),
            "DeltaAggregatedResources": grpc.stream_stream_rpc_method_handler(self._delta),
        }
        handler = grpc.method_handlers_generic_handler(SERVICE, methods)
        self._server.add_generic_rpc_handlers((handler,))
        self._address = address

    async def __aenter__(self) -> Self:
        """Bind and start. Raises RuntimeError or BindError when the address is taken."""
        if self._address.startswith(UNIX):  # gRPC would take it from whoever listens there
            clear(Path(self._address.removeprefix(UNIX)))
        with group_only():
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
        self._streams.stopping = True
        await self._server.stop(grace=None)
        self._disk.close()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The ids of the connected Envoys, one for each of their streams."""
        return self.nodes_of(ENVOY)

    def nodes_of(self, role: str, *, but: State | None = None) -> tuple[str, ...]:
        """The ids of the connected nodes of a role, one for each of their streams.

        Those in the state `but` are left out.
        """
        return tuple(sorted(s.node for s in self._streams.of(role) if s.state != but))

    def connected(self, role: str) -> int:
        """How many nodes of a role are connected, whatever they answered."""
        return len(set(self.nodes_of(role)))

    def instances(self, role: str) -> tuple[str, ...]:
        """The addresses of a service's ready instances, sorted.

        Ready is who ACKed a whole set on its stream and has refused nothing since.
        """
        return tuple(sorted({s.address for s in self._streams.of(role) if s.ready}))

    def late(self, role: str) -> tuple[str, ...]:
        """The addresses of a service's instances that have not taken what is offered, sorted."""
        return tuple(sorted({s.address for s in self._streams.of(role) if s.state != "live"}))

    def fleet(self) -> tuple[NodeView, ...]:
        """All nodes that are connected, or were a short time ago, by role and id."""
        return self._streams.roll.views()

    @property
    def ledger(self) -> Ledger:
        """What Envoys may hold, for who writes it down: replies in SotW wait for that."""
        return self._streams.ledger

    def publish(
        self,
        snapshot: Snapshot,
        role: str = ENVOY,
        *,
        archive: Mapping[str, Resource] | None = None,
        proved: str | None = None,
        partial: bool = False,
    ) -> None:
        """Bring every connected node of a role to this snapshot, and those that come later.

        `archive`: older resources by name, beside those of earlier snapshots of this server.
        `proved`: for which software (`envoy/1.40.0`), None for all, "" for none: of the Envoys of
        any other, one goes first. `partial`: an Envoy that comes and holds something is sent
        nothing until there is a version that is not.
        Raises ForeignTypeError for what the role must not see.
        """
        before = self._streams.worlds.get(role)
        new = world(snapshot, role, archive=archive or {}, before=before)
        self._streams.publish(new, proved, partial=partial)

    def amend(self, amended: Callable[[Snapshot], Snapshot]) -> None:
        """Change all that Envoys have, whichever version; what has passed is not proved anew."""
        self._streams.amend(amended)

    def accept(self, snapshot: Snapshot, role: str = ENVOY) -> None:
        """Know that this was taken once: who refuses it stops no version that comes after."""
        self._streams.accepted[role] = snapshot

    async def settled(
        self, version: str, *, within: float, nodes: int = 1, role: str = ENVOY
    ) -> Outcome:
        """Wait until `nodes` or more of a role are connected and all answered this version.

        `within` is in seconds; when they are over the outcome is `late`.
        """
        try:
            async with asyncio.timeout(within):
                while True:
                    outcome = self._outcome(version, nodes, role)
                    if outcome is not None:
                        return outcome
                    self._streams.moved.clear()
                    await self._streams.moved.wait()
        except TimeoutError:
            late = tuple(s.node for s in self._streams.of(role) if s.state == "waiting")
            return Outcome(state="late", waiting=late)

    def outcome(self, version: str, role: str = ENVOY) -> Outcome | None:
        """How a version of a role has ended up by now, None while it has not."""
        return self._outcome(version, 1, role)

    def _outcome(self, version: str, nodes: int, role: str) -> Outcome | None:
        now = self._streams.worlds.get(role)
        if now is not None and now.version != version:
            return Outcome(state="superseded")
        states = self._streams.roll.states(role)
        if states.get("rejected"):  # who has not answered yet cannot make it good
            nacks = self._streams.opposed(role)
            if nacks:
                return Outcome(state="rejected", nacks=nacks)
        answered = states.get("live", 0) + states.get("rejected", 0)
        if now is None or "waiting" in states or answered + states.get("silent", 0) < nodes:
            return None
        return Outcome(state="live") if answered else None

    async def _sotw(self, _: object, context: Context) -> None:
        await self._serve(context, delta=False)

    async def _delta(self, _: object, context: Context) -> None:
        await self._serve(context, delta=True)

    async def _serve(self, context: Context, *, delta: bool) -> None:
        """Keep one stream until either side ends it."""
        connection = self._streams.open(delta=delta)
        try:
            if connection.close is None:
                await self._keep(connection, context)
        except asyncio.CancelledError:
            if not connection.stuck:
                raise
        finally:
            self._streams.close(connection)
        close = connection.close
        if close is not None:
            try:
                await context.abort(grpc.StatusCode[close.status], close.message)
            except grpc.aio.InternalError:  # past half a write gRPC sends no status
                if not connection.stuck:
                    raise

    async def _keep(self, connection: Connection, context: Context) -> None:
        async with asyncio.TaskGroup() as tasks:
            writing = write_out(
                connection, context, self._turns, self._streams.news.wrote, self._noted
            )
            tasks.create_task(writing)
            await self._read(connection, context)
            connection.end()

    async def _noted(self, stream: Stream) -> None:
        """Have on the disk what a node may hold once it reads what is to be written to it."""
        if self._remembering and stream.role == ENVOY and not stream.delta:
            await self.ledger.until_written()

    async def _read(self, connection: Connection, context: Context) -> None:
        """Take in requests until the client ends the stream or does something wrong."""
        read = READ[connection.stream.delta]
        while connection.close is None:
            try:
                async with asyncio.timeout(None if connection.stream.node else FIRST_SECONDS):
                    data: object = await context.read()
            except TimeoutError:
                message = f"no request within {FIRST_SECONDS:g} s"
                connection.close = Close(status="DEADLINE_EXCEEDED", message=message)
                return
            if not isinstance(data, bytes):  # grpc.aio.EOF: the client has ended the stream
                return
            try:
                request = read(data)
            except DecodeError:
                connection.close = Close(status="INVALID_ARGUMENT", message="not a request")
                return
            if not connection.stream.node and not unfit(request):
                held = await self._disk.holding(request.node)
                self._streams.introduce(connection, request, held)
            await self._disk.look_up(request, connection.stream.world)
            self._streams.receive(connection, request)
