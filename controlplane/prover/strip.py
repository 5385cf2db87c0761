"""What is taken out of a message before the prover sees it, so that nobody outside hears of it.

In a network namespace nearly nothing has to be: the file system is the only way out. Without one,
all goes that would listen, resolve names, or call somebody before there is a request.
"""

import os
from collections.abc import Callable, Iterator

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLog
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.address_pb2 import Address, Pipe, SocketAddress
from envoy.config.core.v3.base_pb2 import TransportSocket
from envoy.config.endpoint.v3.endpoint_components_pb2 import LbEndpoint
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.access_loggers.file.v3.file_pb2 import FileAccessLog
from envoy.extensions.clusters.dns.v3.dns_cluster_pb2 import DnsCluster
from envoy.extensions.filters.http.jwt_authn.v3.config_pb2 import RemoteJwks
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import TlsCertificate
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message

from policies.tls.envoy import OWN_FILES

NOBODY = "@foregate-nobody"
"""An abstract Unix socket, which belongs to a network namespace, and on which nobody listens."""

NOWHERE = "192.0.2.1"
"""An address that is given to nobody (RFC 5737)."""

SOCKETS = "Unix sockets"
LOG_FILES = "files of access logs"
LOGS = "access logs to others"
TRACING = "tracing"
PORTS = "ports of listeners"
FILES = "certificates in files that are elsewhere"
CHECKS = "active health checks"
NAMES = "DNS names of backends"
LOAD = "load reports"
KEYS = "keys fetched ahead"

_FILE_LOGS = ("file.", "stream.")
_DNS = (Cluster.STRICT_DNS, Cluster.LOGICAL_DNS)
_DNS_CLUSTERS = ("envoy.cluster.strict_dns", "envoy.cluster.logical_dns")

Rule = Callable[[Message], Iterator[str]]
"""Changes a message where it has to, and gives what it took out, in words."""


def strip(message: Message, *, walled: bool) -> frozenset[str]:
    """Change a message in place; return what was taken out, in words: empty if nothing."""
    return frozenset(_stripped(message, WALLED if walled else OPEN))


def without_files(message: Message) -> None:
    """Take out only the files that this machine has not."""
    for _ in _stripped(message, ABSENT):
        pass


def _stripped(message: Message, rules: dict[str, Rule]) -> Iterator[str]:
    rule = rules.get(message.DESCRIPTOR.full_name)
    if rule is not None:
        yield from rule(message)
    if isinstance(message, Any):
        yield from _inside(message, rules)
        return
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        if isinstance(value, Message):
            yield from _stripped(value, rules)
        elif descriptor.message_type.GetOptions().map_entry:
            held = descriptor.message_type.fields_by_name["value"].message_type
            for one in value.values() if held is not None else ():
                yield from _stripped(one, rules)
        else:
            for one in value:
                yield from _stripped(one, rules)


def _inside(packed: Any, rules: dict[str, Rule]) -> Iterator[str]:
    """Look into an Any. What we have no description of, we have not put there."""
    try:
        pool = descriptor_pool.Default()
        found = pool.FindMessageTypeByName(packed.TypeName())
        held = message_factory.GetMessageClass(found).FromString(packed.value)
    except (KeyError, DecodeError):
        return
    took = list(_stripped(held, rules))
    if took:
        packed.value = held.SerializeToString(deterministic=True)
        yield from took


def _pipe(message: Message) -> Iterator[str]:
    assert isinstance(message, Pipe)  # noqa: S101 # the rule's key
    if message.path and not message.path.startswith("@"):
        message.path = NOBODY
        yield SOCKETS


def _log_file(message: Message) -> Iterator[str]:
    assert isinstance(message, FileAccessLog)  # noqa: S101 # the rule's key
    if message.path not in {"", "/dev/null"}:
        message.path = "/dev/null"
        yield LOG_FILES


def _listener(message: Message) -> Iterator[str]:
    """Envoy takes the socket of a path from whoever listens there."""
    assert isinstance(message, Listener)  # noqa: S101 # the rule's key
    addresses = (message.address, *(one.address for one in message.additional_addresses))
    if any(one.HasField("pipe") for one in addresses):
        yield from _portless(message)


def _open_listener(message: Message) -> Iterator[str]:
    assert isinstance(message, Listener)  # noqa: S101 # the rule's key
    yield from _logs(message)
    yield from _portless(message)


def _portless(listener: Listener) -> Iterator[str]:
    addresses = [listener.address, *(one.address for one in listener.additional_addresses)]
    if any(one.socket_address.protocol == SocketAddress.UDP for one in addresses):
        # Without a socket Envoy refuses UDP: it gets one that nobody knows of.
        for one in addresses:
            one.CopyFrom(Address(socket_address=SocketAddress(address="127.0.0.1", port_value=0)))
            one.socket_address.protocol = SocketAddress.UDP
    else:
        listener.bind_to_port.value = False
    yield PORTS


def _logs(message: Listener | hcm.HttpConnectionManager) -> Iterator[str]:
    kept = [one for one in message.access_log if _writes(one)]
    if len(kept) < len(message.access_log):
        del message.access_log[:]
        message.access_log.extend(kept)
        yield LOGS


def _writes(log: AccessLog) -> bool:
    _, _, kind = log.typed_config.TypeName().partition("access_loggers.")
    return kind.startswith(_FILE_LOGS)


def _manager(message: Message) -> Iterator[str]:
    assert isinstance(message, hcm.HttpConnectionManager)  # noqa: S101 # the rule's key
    yield from _logs(message)
    if message.HasField("tracing"):
        message.ClearField("tracing")
        yield TRACING


def _files(message: Message) -> Iterator[str]:
    """Files are on the machine of the Envoys that serve: what this one has not is not proved."""
    assert isinstance(message, TransportSocket)  # noqa: S101 # the rule's key
    if message.name != OWN_FILES:
        return
    context = UpstreamTlsContext.FromString(message.typed_config.value)
    common = context.common_tls_context
    shown = [one for cert in common.tls_certificates for one in _files_of(cert)]
    trusted = common.validation_context.trusted_ca.filename
    if any(not _is_here(one) for one in shown):
        del common.tls_certificates[:]
        yield FILES
    if trusted and not _is_here(trusted):
        common.ClearField("validation_context")
        yield FILES
    message.typed_config.Pack(context, deterministic=True)


def _files_of(certificate: TlsCertificate) -> tuple[str, ...]:
    every = (certificate.certificate_chain.filename, certificate.private_key.filename)
    return tuple(one for one in every if one)


def _is_here(path: str) -> bool:
    return os.access(path, os.R_OK)


def _jwks(message: Message) -> Iterator[str]:
    assert isinstance(message, RemoteJwks)  # noqa: S101 # the rule's key
    if message.HasField("async_fetch"):
        message.ClearField("async_fetch")
        yield KEYS


def _cluster(message: Message) -> Iterator[str]:
    assert isinstance(message, Cluster)  # noqa: S101 # the rule's key
    if message.health_checks:
        del message.health_checks[:]
        yield CHECKS
    if message.HasField("lrs_server"):
        message.ClearField("lrs_server")
        yield LOAD
    kind = message.cluster_type
    # Envoy goes by the type of the settings, whatever they are called.
    custom = kind.name in _DNS_CLUSTERS or kind.typed_config.Is(DnsCluster.DESCRIPTOR)
    if custom or (not message.HasField("cluster_type") and message.type in _DNS):
        message.type = Cluster.STATIC
        for group in message.load_assignment.endpoints:
            for one in group.lb_endpoints:
                _without_name(one)
        yield NAMES


def _without_name(one: LbEndpoint) -> None:
    where = one.endpoint.address
    if where.HasField("socket_address"):
        where.socket_address.address = NOWHERE
        where.socket_address.resolver_name = ""


WALLED: dict[str, Rule] = {
    Pipe.DESCRIPTOR.full_name: _pipe,
    FileAccessLog.DESCRIPTOR.full_name: _log_file,
    Listener.DESCRIPTOR.full_name: _listener,
    TransportSocket.DESCRIPTOR.full_name: _files,
}
ABSENT: dict[str, Rule] = {TransportSocket.DESCRIPTOR.full_name: _files}
"""What alone is taken out for a run that calls nobody and opens nothing."""
OPEN: dict[str, Rule] = {
    **WALLED,
    Listener.DESCRIPTOR.full_name: _open_listener,
    hcm.HttpConnectionManager.DESCRIPTOR.full_name: _manager,
    RemoteJwks.DESCRIPTOR.full_name: _jwks,
    Cluster.DESCRIPTOR.full_name: _cluster,
}
