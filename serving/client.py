"""The subscription's shell: one delta ADS stream to the control plane, kept up for ever.

The control plane may be away for as long as it likes: the service goes on with what it has.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import grpc
import structlog
from google.protobuf.message import DecodeError

from serving.metrics import Metrics
from serving.service import Intake, RejectedError
from serving.subscription import Request, Response, Step, Subscription, subscription
from serving.wire import Node, request, response

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"

FIRST_DELAY = 0.1
LAST_DELAY = 5.0
"""Seconds between two attempts to connect: the first, and the longest."""

CONNECT = 5.0
"""Seconds that one attempt to connect may take."""

MISSING = 1.0
"""Seconds for which a name that does not exist is not asked for again."""

FETCHES = 1000
"""Fetches under way at most, and missing names remembered at most."""

MESSAGE_BYTES = 64 * 2**20
"""The largest response that is read: 100,000 consumers with their keys are about 10 MB."""

_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),  # a new channel has no memory of the last one's failure
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
)

Call = grpc.aio.StreamStreamCall[bytes, bytes]
_log = structlog.get_logger(__name__)


class Client:
    """The Feed of a service that has a control plane.

    `changed` is called after each update that the service accepted.
    """

    def __init__(self, address: str, metrics: Metrics) -> None:
        self.subscription = subscription(())
        self._address = address
        self._metrics = metrics
        self._outbox: asyncio.Queue[Request] | None = None
        self._fetches: dict[tuple[str, str], asyncio.Future[bool]] = {}
        self._missing: dict[tuple[str, str], float] = {}
        self._heard = False

    @property
    def alone(self) -> bool:
        """There is a control plane."""
        return False

    def begin(self, start: Subscription) -> None:
        """Start from this, in which the service's types are, before the first stream."""
        self.subscription = start

    async def fetch(self, type_url: str, name: str, within: float) -> bool:
        """Get a resource by name; see Feed."""
        if self.subscription.knows(type_url, name):
            return True
        key = (type_url, name)
        now = asyncio.get_running_loop().time()
        if self._missing.get(key, 0.0) > now:
            return False
        future = self._fetches.get(key)
        if future is None:
            if len(self._fetches) >= FETCHES:
                return False
            future = asyncio.get_running_loop().create_future()
            self._fetches[key] = future
            self._go(self.subscription.fetch(type_url, name), type_url)
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                return await asyncio.shield(future)
        return False

    def ask(self, type_url: str, name: str) -> None:
        """Tell the control plane a name; see Feed."""
        self._go(self.subscription.ask(type_url, name), type_url)

    async def run(self, node: Node, intake: Intake, changed: Callable[[], None]) -> None:
        """Keep a stream open until cancelled."""
        delay, told = FIRST_DELAY, False
        while True:
            self._heard = False
            why = await self._stream(node, intake, changed)
            if self._heard or not told:
                _log.warning("control plane away", address=self._address, why=why)
            told = True
            delay = FIRST_DELAY if self._heard else delay
            # Jitter, so that a restarted control plane is not met by all at once.
            await asyncio.sleep(random.uniform(delay / 2, delay))  # noqa: S311 # no secret
            delay = min(delay * 2, LAST_DELAY)

    async def _stream(self, node: Node, intake: Intake, changed: Callable[[], None]) -> str:
        """Keep one stream until it ends; return why it did."""
        async with grpc.aio.insecure_channel(self._address, options=_OPTIONS) as channel:
            if not await _connected(channel):
                return "no connection"
            call: Call = channel.stream_stream(METHOD)()
            outbox: asyncio.Queue[Request] = asyncio.Queue()
            self._outbox = outbox
            self._metrics.connected.set(1)
            _log.info("control plane connected", address=self._address, node=node.id)
            try:
                self._go(self.subscription.connect())
                async with asyncio.TaskGroup() as tasks:
                    writer = tasks.create_task(_write(call, outbox, node))
                    why = await self._read(call, intake, changed)
                    writer.cancel()
                return why
            finally:
                self._outbox = None
                self._metrics.connected.set(0)
                self.subscription = self.subscription.disconnect().after
                call.cancel()

    async def _read(self, call: Call, intake: Intake, changed: Callable[[], None]) -> str:
        while True:
            try:
                data: object = await call.read()
            except grpc.aio.AioRpcError as error:
                return f"{error.code().name}: {error.details()}"
            if not isinstance(data, bytes):
                return f"the stream ended with {(await call.code()).name}"
            self._heard = True
            try:
                told = response(data)
            except DecodeError:
                return "what came is no response"
            self._take(told, intake, changed)

    def _take(self, told: Response, intake: Intake, changed: Callable[[], None]) -> None:
        """Have the service judge a response, and answer it."""
        update = self.subscription.update(told)
        error = told.fault or None
        if error is None and update is not None:
            try:
                intake.take(update)
            except RejectedError as rejected:
                error = rejected.message
            except Exception as unexpected:  # noqa: BLE001 # a fault of ours must not end the feed
                _log.error("update failed", type=told.type_url, error=type(unexpected).__name__)
                error = "the service failed to take it in"
        if update is not None or error is not None:
            self._metrics.updated(told.type_url, accepted=error is None)
        self._go(self.subscription.answer(told, error), told.type_url)
        if error is not None:
            _log.warning("update rejected", type=told.type_url, why=error)
        elif update is not None:
            changed()

    def _go(self, step: Step, type_url: str = "") -> None:
        """Go on to the next state; send what is due and wake who waited."""
        self.subscription = step.after
        if self._outbox is not None:
            for one in step.requests:
                self._outbox.put_nowait(one)
        for name, found in step.resolved.items():
            if not found:
                self._miss((type_url, name))
            future = self._fetches.pop((type_url, name), None)
            if future is not None and not future.done():
                future.set_result(found)

    def _miss(self, key: tuple[str, str]) -> None:
        """Remember that a name does not exist."""
        self._missing.pop(key, None)
        while len(self._missing) >= FETCHES:
            del self._missing[next(iter(self._missing))]
        self._missing[key] = asyncio.get_running_loop().time() + MISSING


async def _connected(channel: grpc.aio.Channel) -> bool:
    """Connect; give up at the first failure, because the delays between attempts are ours."""
    failed = (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN)
    with suppress(TimeoutError):
        async with asyncio.timeout(CONNECT):
            while True:
                state = channel.get_state(try_to_connect=True)
                if state is grpc.ChannelConnectivity.READY or state in failed:
                    return state is grpc.ChannelConnectivity.READY
                await channel.wait_for_state_change(state)
    return False


async def _write(call: Call, outbox: asyncio.Queue[Request], node: Node) -> None:
    """Write what waits. When the stream has ended, its reader says so."""
    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        while True:
            await call.write(request(await outbox.get(), node))
