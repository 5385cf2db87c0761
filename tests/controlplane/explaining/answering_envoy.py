"""A real Envoy that has a whole snapshot over xDS, and answers which route took a request.

Matching is left as it was compiled, in whatever tables there are. Only what a route does is
swapped: who would forward says so at once, and a rewritten path comes back as a redirect to it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import RedirectAction, Route
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.bootstrap import Node, for_node
from controlplane.snapshot import LISTENER, ROUTES, Resource, Snapshot, serialized, snapshot
from controlplane.xds.options import ServerOptions
from controlplane.xds.server import Server
from foregate.parts import envoy
from tests.controlplane.xds.envoy_fleet import Envoy, until
from tests.e2e.process import ROOT

BOOTSTRAP = (ROOT / "envoy" / "bootstrap.json").read_text()

RULE, PATH = "x-rule", "x-path"
"""The headers that say which route answers, and the path as the route saw it."""


@asynccontextmanager
async def answering(
    folder: Path, made: Snapshot, *, forwarding: bool = False
) -> AsyncIterator[int]:
    """Yield the port of an Envoy that has taken it all; `forwarding` where nothing is swapped."""
    wanted = _answering(made, forwarding=forwarding)
    socket = f"{folder}/xds.sock"
    async with Server(f"unix:{socket}", options=ServerOptions(quiet=True)) as server:
        server.publish(wanted)
        async with _running(folder, socket) as one:
            outcome = await server.settled(wanted.version, within=60)
            assert outcome.state == "live", outcome
            yield await one.port()


def _answering(made: Snapshot, *, forwarding: bool) -> Snapshot:
    routes = () if forwarding else made.of(ROUTES).values()
    changed = [*made.of(LISTENER).values(), *routes]
    swapped = {(r.type_url, r.name): _swapped(r) for r in changed}
    every = (r for group in made.resources.values() for r in group.values())
    return snapshot(swapped.get((r.type_url, r.name), r) for r in every)


def _swapped(one: Resource) -> Resource:
    message = Listener() if one.type_url == LISTENER else RouteConfiguration()
    message.ParseFromString(one.body)
    if isinstance(message, Listener):
        message.address.socket_address.address = "127.0.0.1"
        message.address.socket_address.port_value = 0
    else:
        for host in message.virtual_hosts:
            for route in host.routes:
                _answer(route)
    body = message.SerializeToString(deterministic=True)
    return replace(serialized(one.type_url, one.name, body), needs=one.needs)


def _answer(route: Route) -> None:
    _say(route, RULE, route.name)
    if route.HasField("route") and route.route.HasField("regex_rewrite"):
        moved = RedirectAction(response_code=RedirectAction.FOUND)
        moved.regex_rewrite.CopyFrom(route.route.regex_rewrite)
        route.redirect.CopyFrom(moved)
    elif route.HasField("route"):
        route.direct_response.status = 200
    if route.HasField("direct_response"):  # a redirect says the path that it makes
        _say(route, PATH, "%REQ(:PATH)%")


def _say(route: Route, name: str, value: str) -> None:
    told = route.response_headers_to_add.add()
    told.append_action = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    told.header.key = name
    told.header.value = value


@asynccontextmanager
async def _running(folder: Path, socket: str) -> AsyncIterator[Envoy]:
    config, admin, log = (folder / f"envoy.{kind}" for kind in ("json", "admin", "log"))
    node = Node(id="answering", cluster="test", xds=socket, admin="127.0.0.1:0")
    config.write_text(for_node(BOOTSTRAP, node))
    words = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning"]
    process = await asyncio.create_subprocess_exec(
        envoy().path, "-c", config, "--admin-address-path", admin, "--log-path", log, *words
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
