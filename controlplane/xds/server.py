"""The ADS server: the sockets around the pure streams.

    async with Server("unix:/run/foregate/xds.sock", heard=print) as server:
        server.publish(snapshot)
        outcome = await server.settled(snapshot.version, within=5)

Every stream is read all the time and written by a task of its own, so a client that does not read
delays nobody, and holds at most one push a type in memory.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import grpc
import structlog
from google.protobuf.message import DecodeError

from controlplane.snapshot import Resource, Snapshot
from controlplane.xds.connection import Connection, Context, Told, write_out
from controlplane.xds.stream import Acked, Close, Ignored, Instances, Nacked, Stream, Wanted
from controlplane.xds.wire import READ
from controlplane.xds.world import ENVOY, World, world
from serving.address import UNIX
from serving.sockets import clear, group_only

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"

MESSAGE_BYTES = 4 * 2**20
"""The largest request that is read. 100,000 names of 40 characters fit."""

Heard = Told | Instances
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

    `heard` is called on the event loop with each ACK, each NACK, each unknown type, each name that
    is asked for where only the asking counts, and each change of a service's ready instances; it
    may publish. `port` is the one that was bound, 0 on a Unix socket. The server starts without a
    snapshot: until a role's first `publish` its streams end with UNAVAILABLE and clients come back.
    """

    def __init__(self, address: str, *, heard: Callable[[Heard], None] | None = None) -> None:
        self.port = 0
        self._heard = heard
        self._worlds: dict[str, World] = {}
        self._connections: set[Connection] = set()
        self._instances: dict[str, tuple[str, ...]] = {}
        self._stopping = False
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
        self._stopping = True
        await self._server.stop(grace=None)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The ids of the connected Envoys, one for each of their streams."""
        return self.nodes_of(ENVOY)

    def nodes_of(self, role: str) -> tuple[str, ...]:
        """The ids of the connected nodes of a role, one for each of their streams."""
        return tuple(sorted(stream.node for stream in self._streams(role)))

    def connected(self, role: str) -> int:
        """How many nodes of a role are connected, whatever they answered."""
        return len(set(self.nodes_of(role)))

    def instances(self, role: str) -> tuple[str, ...]:
        """The addresses of a service's ready instances, sorted.

        Ready is who ACKed a whole set on its stream and has refused nothing since.
        """
        return tuple(sorted({s.address for s in self._streams(role) if s.ready}))

    def publish(
        self,
        snapshot: Snapshot,
        role: str = ENVOY,
        *,
        archive: Mapping[str, Resource] | None = None,
    ) -> None:
        """Bring every connected node of a role to this snapshot, and those that come later.

        `archive`: older resources by name, beside those of earlier snapshots of this server.
        Raises ForeignTypeError for what the role must not see.
        """
        new = world(snapshot, role, archive=archive or {}, before=self._worlds.get(role))
        self._worlds[role] = new
        for connection in self._connections:
            connection.take(connection.stream.publish(new))
        self._moved.set()
        self._recount(role)

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
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            late = tuple(s.node for s in self._streams(role) if s.state == "waiting")
            return Outcome(state="late", waiting=late)

    def _outcome(self, version: str, nodes: int, role: str) -> Outcome | None:
        now = self._worlds.get(role)
        if now is not None and now.version != version:
            return Outcome(state="superseded")
        states = [stream.state for stream in self._streams(role)]
        if "rejected" in states:  # who has not answered yet cannot make it good
            mine = (c for c in self._connections if c.stream.role == role)
            return Outcome(state="rejected", nacks=tuple(n for c in mine for n in c.nacks.values()))
        if now is None or len(states) < nodes or "waiting" in states:
            return None
        return Outcome(state="live")

    def outcome(self, version: str, role: str = ENVOY) -> Outcome | None:
        """How a version of a role has ended up by now, None while it has not."""
        return self._outcome(version, 1, role)

    def _streams(self, role: str) -> list[Stream]:
        streams = (c.stream for c in self._connections)
        return [s for s in streams if s.node and s.role == role]

    def _recount(self, role: str) -> None:
        """Tell of the ready instances of a service when they are others than before."""
        now = () if role == ENVOY else self.instances(role)
        if now != self._instances.get(role, ()) and not self._stopping:
            self._instances[role] = now
            self._tell(Instances(role=role, addresses=now))

    async def _sotw(self, _: object, context: Context) -> None:
        await self._serve(context, delta=False)

    async def _delta(self, _: object, context: Context) -> None:
        await self._serve(context, delta=True)

    async def _serve(self, context: Context, *, delta: bool) -> None:
        """Keep one stream until either side ends it."""
        stream = Stream(id=secrets.token_hex(4), delta=delta, worlds=dict(self._worlds))
        connection = Connection(stream)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(write_out(connection, context))
                await self._read(connection, context)
                connection.end()
        finally:
            self._connections.discard(connection)
            self._moved.set()
            ended = connection.stream
            tell = _log.info if ended.node else _log.debug  # who came too early comes again
            tell("xds stream ended", node=ended.node, role=ended.role, delta=delta)
            self._recount(ended.role)
        close = connection.close
        if close is not None:
            tell = _log.debug if close.status == "UNAVAILABLE" else _log.warning
            tell("xds stream refused", status=close.status, why=close.message)
            with suppress(grpc.aio.InternalError):  # the client is gone and asks for no reason
                await context.abort(grpc.StatusCode[close.status], close.message)

    async def _read(self, connection: Connection, context: Context) -> None:
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
            told = connection.take(connection.stream.receive(request))
            now = connection.stream
            if not known and now.node:
                _log.info("xds node connected", node=now.node, role=now.role, delta=delta)
            for event in told:
                self._tell(event)
            self._moved.set()
            self._recount(now.role)

    def _tell(self, event: Heard) -> None:
        match event:
            case Nacked():
                _log.warning(
                    "xds rejected", node=event.node, type=event.type_url, why=event.message
                )
            case Ignored():
                _log.warning("xds type unknown", node=event.node, type=event.type_url)
            case Wanted():
                _log.debug("xds wanted", node=event.node, type=event.type_url, name=event.name)
            case Instances():
                _log.info("xds instances", role=event.role, ready=len(event.addresses))
            case Acked():
                _log.debug("xds acked", node=event.node, type=event.type_url)
        if self._heard is not None:
            self._heard(event)
