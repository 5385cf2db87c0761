"""A ratelimit service that writes down what it is asked and answers as it is told."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeAlias

import grpc
from envoy.service.ratelimit.v3.rls_pb2 import RateLimitRequest, RateLimitResponse

Described: TypeAlias = tuple[tuple[str, str], ...]


class LimitsService:
    """`calls` holds each call: its domain, and its descriptors as pairs; `over` answers 429.

    With `stalled` it answers nothing before it is `released`.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Described, ...]]] = []
        self.over = False
        self.stalled = False
        self.released = threading.Event()
        self.port = 0

    def decide(self, request: bytes, _context: grpc.ServicerContext) -> bytes:
        asked = RateLimitRequest.FromString(request)
        found = tuple(tuple((e.key, e.value) for e in d.entries) for d in asked.descriptors)
        self.calls.append((asked.domain, found))
        if self.stalled:
            self.released.wait(10)
        code = RateLimitResponse.OVER_LIMIT if self.over else RateLimitResponse.OK
        answer = RateLimitResponse(overall_code=code)
        if self.over:
            answer.response_headers_to_add.add(key="retry-after", value="7")
        return answer.SerializeToString()


@contextmanager
def limits_service() -> Iterator[LimitsService]:
    """One on a port of its own."""
    service = LimitsService()
    handler = grpc.method_handlers_generic_handler(
        "envoy.service.ratelimit.v3.RateLimitService",
        {"ShouldRateLimit": grpc.unary_unary_rpc_method_handler(service.decide)},
    )
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((handler,))
    service.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield service
    finally:
        service.released.set()
        server.stop(None).wait()
