"""grpc.health.v1: NOT_SERVING until the policy is there, and again when the process ends."""

from collections.abc import Iterable

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import OVERALL_HEALTH, aio
from grpc_health.v1.health_pb2 import HealthCheckResponse


class Health:
    """The health of the whole server, and under the names of its services."""

    def __init__(self, methods: Iterable[str]) -> None:
        services = dict.fromkeys(m.rpartition("/")[0] for m in methods)
        self._names = (OVERALL_HEALTH, *services)
        self._servicer = aio.HealthServicer()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve it there."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def set(self, *, serving: bool) -> None:
        """Say it to whoever asks and to all that watch."""
        status = HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
        for name in self._names:
            await self._servicer.set(name, status)

    async def end(self) -> None:
        """Say NOT_SERVING, from now on whatever else is said."""
        await self._servicer.enter_graceful_shutdown()
