"""What gRPC's xDS client follows: listener, routes, clusters, endpoints; and what they lead to."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from google.protobuf.json_format import ParseDict

from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ROUTES,
    Reference,
    Resource,
    Snapshot,
    resource,
    snapshot,
)

ADS = {"ads": {}, "resourceApiVersion": "V3"}
NODE = "grpc-1"


def mesh(to: str, ports: dict[str, int], *, kind: str = "EDS", timeout: str = "1s") -> Snapshot:
    """Compile `service` with a route to one of the backends; `ports` are all clusters there are.

    `kind` is the type of the cluster in use: gRPC refuses what it does not support.
    """
    found = [_listener(), _routes(to)]
    for name, port in ports.items():
        cluster = _cluster(name, kind if name == to else "EDS", timeout)
        found += [cluster, _endpoints(cluster, port)]
    return snapshot(found)


class Caller:
    """The process of `grpc_calls`: what it was answered, without what repeats, and what failed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.answers: list[str] = []
        self.calls = 0
        self._process = process

    async def until(self, answer: str) -> None:
        """Wait until calls are answered so; fails when one is lost."""
        while not self.answers or self.answers[-1] != answer:
            self.answers.append(await self._line())

    async def end(self) -> None:
        """End the calls. Fails when one was lost since."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        line = ""
        while not line.isdigit():
            line = await self._line()
        self.calls = int(line)
        await self._process.wait()

    async def _line(self) -> str:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode().strip()
        assert line, "the process has ended"
        assert not line.startswith("!"), line
        return line


@asynccontextmanager
async def caller(target: str, folder: Path) -> AsyncIterator[Caller]:
    """Start the process with an xDS server to follow (`unix:PATH`), and end it."""
    server = {
        "server_uri": target,
        "channel_creds": [{"type": "insecure"}],
        "server_features": ["xds_v3"],
    }
    bootstrap = folder / "grpc.json"
    bootstrap.write_text(json.dumps({"xds_servers": [server], "node": {"id": NODE}}))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        Path(__file__).with_name("grpc_calls.py"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "GRPC_XDS_BOOTSTRAP": str(bootstrap)},
    )
    try:
        yield Caller(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def backend(name: str) -> AsyncIterator[int]:
    """Serve a unary method on loopback that answers its name; yields the port."""

    async def answer(_: bytes, __: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        return name.encode()

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Name": grpc.unary_unary_rpc_method_handler(answer)
    }
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("test.Backend", methods),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(grace=None)


def _listener() -> Resource:
    manager = hcm.HttpConnectionManager()
    ParseDict({"configSource": ADS, "routeConfigName": "routes"}, manager.rds)
    manager.http_filters.add(name="router").typed_config.Pack(Router())
    message = Listener(name="service")
    message.api_listener.api_listener.Pack(manager)
    return resource(LISTENER, "service", message, needs=[Reference(ROUTES, "routes")])


def _routes(to: str) -> Resource:
    route = {"match": {"prefix": ""}, "route": {"cluster": to}}
    host = {"name": "all", "domains": ["*"], "routes": [route]}
    message = ParseDict({"name": "routes", "virtualHosts": [host]}, RouteConfiguration())
    return resource(ROUTES, "routes", message, needs=[Reference(CLUSTER, to)])


def _cluster(name: str, kind: str, timeout: str) -> Resource:
    body = {
        "name": name,
        "type": kind,
        "connectTimeout": timeout,
        "edsClusterConfig": {"edsConfig": ADS},
        "lbPolicy": "ROUND_ROBIN",
    }
    return resource(CLUSTER, name, ParseDict(body, Cluster()))


def _endpoints(of: Resource, port: int) -> Resource:
    """Give a cluster its endpoints. gRPC leaves out a locality without a weight."""
    place = {"socketAddress": {"address": "127.0.0.1", "portValue": port}}
    locality = {
        "locality": {"region": "here"},
        "loadBalancingWeight": 1,
        "lbEndpoints": [{"endpoint": {"address": place}}],
    }
    message = ParseDict({"clusterName": of.name, "endpoints": [locality]}, ClusterLoadAssignment())
    return resource(ENDPOINTS, of.name, message, salt=of.version)
