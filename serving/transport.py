"""How calls reach a service: the interface, and the grpc.aio backend, which is the reference."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import grpc
import structlog

from serving.address import Address
from serving.logs import place
from serving.metrics import Metrics
from serving.seldom import Seldom
from serving.service import Handler
from serving.sockets import BindError, clear, group_only

MESSAGE_BYTES = 4 * 2**20
"""The largest request that is read."""

STREAMS = 1000
"""Calls at once on one connection; Envoy opens a few connections."""

CALLS = 2000
"""Calls at once in the process; one more is RESOURCE_EXHAUSTED."""

PATIENCE = 1.0
"""Seconds that a call without a deadline may take, and the most that any may."""

FLUSH = 0.1
"""Seconds at the end in which the last answers leave."""

_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second server on the same address fails instead of sharing it
    ("grpc.max_concurrent_streams", STREAMS),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)

Context = grpc.aio.ServicerContext[bytes, bytes]
Unary = Callable[[bytes, Context], Awaitable[bytes]]
_log = structlog.get_logger(__name__)


class Transport(Protocol):
    """What a process needs of a transport. Handlers are given when it is made."""

    async def start(self) -> Address:
        """Listen; return where (a port 0 is chosen by then). Raises BindError."""

    async def stop(self, grace: float) -> None:
        """Refuse new calls and end when the running ones have, in at most `grace` seconds."""


class GrpcTransport:
    """The grpc.aio backend. `extra` adds servicers that come with their own code (health)."""

    def __init__(
        self,
        address: Address,
        methods: Mapping[str, Handler],
        metrics: Metrics,
        *,
        calls: int = CALLS,
        extra: Callable[[grpc.aio.Server], None] | None = None,
    ) -> None:
        self._address = address
        self._metrics = metrics
        self._calls = calls
        self._running = 0
        self._stopping = False
        self._idle = asyncio.Event()
        self._server = grpc.aio.server(options=_OPTIONS)
        services: dict[str, dict[str, grpc.RpcMethodHandler[bytes, bytes]]] = {}
        for full, handler in methods.items():
            service, _, method = full.rpartition("/")
            unary = self._unary(full, handler)
            services.setdefault(service, {})[method] = grpc.unary_unary_rpc_method_handler(unary)
        self._server.add_generic_rpc_handlers(
            tuple(grpc.method_handlers_generic_handler(s, m) for s, m in services.items())
        )
        if extra is not None:
            extra(self._server)

    async def start(self) -> Address:
        """Listen and serve; see Transport."""
        where = self._address
        if where.path is not None:
            clear(where.path)
        try:
            with group_only():
                port = self._server.add_insecure_port(str(where))
        except RuntimeError:
            raise BindError(f"{where} cannot be listened on: is it taken?") from None
        await self._server.start()
        return where if where.path is not None else Address(host=where.host, port=port)

    async def stop(self, grace: float) -> None:
        """Drain; see Transport."""
        # gRPC's own way would answer CANCELLED to a call that arrives just then, and would wait
        # for health watches, which never end.
        self._stopping = True
        if self._running:
            self._idle.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._idle.wait()
        await self._server.stop(min(grace, FLUSH))
        if self._address.path is not None:
            self._address.path.unlink(missing_ok=True)

    def _unary(self, name: str, handler: Handler) -> Unary:
        """Wrap a handler: bounded in number and time, and its faults are not told to callers."""
        seldom = Seldom()

        async def serve(data: bytes, context: Context) -> bytes:
            if self._stopping:
                return await self._refuse(context, "UNAVAILABLE", "the service is ending")
            if self._running >= self._calls:
                return await self._refuse(context, "RESOURCE_EXHAUSTED", "too many calls at once")
            self._running += 1
            try:
                left = min(_left(context), PATIENCE)
                async with asyncio.timeout(left):
                    return await handler(data, left)
            except TimeoutError:
                status, why = "DEADLINE_EXCEEDED", "no answer in time"
            except Exception as error:  # noqa: BLE001 # whatever it is, the process serves on
                status, why = "INTERNAL", "the service failed"
                times = seldom.due(type(error).__name__)
                if times:
                    what = type(error).__name__
                    _log.error("call failed", method=name, error=what, at=place(error), times=times)
            finally:
                self._running -= 1
                if not self._running:
                    self._idle.set()
            return await self._refuse(context, status, why)

        return serve

    async def _refuse(self, context: Context, status: str, why: str) -> bytes:
        self._metrics.refused.labels(status).inc()
        await context.abort(grpc.StatusCode[status], why)


def _left(context: Context) -> float:
    """Seconds that the caller still waits. The stubs do not say that there may be no deadline."""
    left: float | None = context.time_remaining()
    return PATIENCE if left is None else left
