"""Listeners that only read a route table that no listener of a snapshot names.

Envoy looks at a table when something names it, and a table that is not looked at is not proved.
"""

import hashlib
from collections.abc import Iterable, Iterator

from envoy.config.core.v3.address_pb2 import Address, SocketAddress
from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)

NAME = "foregate-gate:"
MANAGER = "envoy.filters.network.http_connection_manager"


def managers(listener: Listener) -> list[Filter]:
    """Give the network filters of a listener that are HTTP connection managers."""
    chains = [*listener.filter_chains]
    if listener.HasField("default_filter_chain"):
        chains.append(listener.default_filter_chain)
    return [
        one
        for chain in chains
        for one in chain.filters
        if one.typed_config.Is(hcm.HttpConnectionManager.DESCRIPTOR)
    ]


def tables_of(listener: Listener) -> tuple[str, ...]:
    """Give the names of the route tables that a listener reads."""
    names = []
    for network_filter in managers(listener):
        manager = hcm.HttpConnectionManager()
        network_filter.typed_config.Unpack(manager)
        if manager.HasField("rds"):
            names.append(manager.rds.route_config_name)
    return tuple(names)


def scoped(listener: Listener) -> bool:
    """Whether a listener reads the tables of scopes."""
    return any(
        hcm.HttpConnectionManager.FromString(one.typed_config.value).HasField("scoped_routes")
        for one in managers(listener)
    )


def readers(tables: Iterable[str], read: Iterable[str]) -> Iterator[Listener]:
    """Make a listener for each table that is not `read` by another."""
    there = frozenset(read)
    return (_reader(name) for name in tables if name not in there)


def _reader(table: str) -> Listener:
    """Make one that is the same whatever else is read, at an address of its own."""
    router = hcm.HttpFilter(name="envoy.filters.http.router")
    router.typed_config.Pack(Router())
    manager = hcm.HttpConnectionManager(stat_prefix="gate", http_filters=[router])
    manager.rds.route_config_name = table
    manager.rds.config_source.ads.SetInParent()
    manager.rds.config_source.resource_api_version = ApiVersion.V3
    network_filter = Filter(name=MANAGER)
    network_filter.typed_config.Pack(manager, deterministic=True)
    number = hashlib.sha256(table.encode()).digest()
    socket = SocketAddress(
        address=f"127.77.{number[0]}.{number[1]}", port_value=1 + (number[2] << 7 | number[3] >> 1)
    )
    return Listener(
        name=f"{NAME}{table}",
        address=Address(socket_address=socket),
        filter_chains=[FilterChain(filters=[network_filter])],
    )
