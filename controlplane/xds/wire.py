"""Discovery requests from bytes, discovery responses to bytes.

A response is laid out by hand around the bodies, which are serialized once at compile time:
protobuf would have to parse and copy each of them again for every stream. The tests read the
result back with the real messages.
"""

from collections.abc import Callable

from envoy.config.core.v3.base_pb2 import Node
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DiscoveryRequest

from controlplane.xds.discovery import Push, Request
from controlplane.xds.node import ADDRESS, SERVICE, VERSION


def sotw_request(data: bytes) -> Request:
    """Read a DiscoveryRequest. Raises DecodeError when it is none."""
    message = DiscoveryRequest.FromString(data)
    service, address, software = _service(message.node)
    return Request(
        type_url=message.type_url,
        node=message.node.id,
        group=message.node.cluster,
        service=service,
        address=address,
        software=software,
        nonce=message.response_nonce,
        version=message.version_info,
        error=message.error_detail.message if message.HasField("error_detail") else None,
        names=tuple(message.resource_names),
    )


def delta_request(data: bytes) -> Request:
    """Read a DeltaDiscoveryRequest. Raises DecodeError when it is none."""
    message = DeltaDiscoveryRequest.FromString(data)
    service, address, software = _service(message.node)
    return Request(
        type_url=message.type_url,
        node=message.node.id,
        group=message.node.cluster,
        service=service,
        address=address,
        software=software,
        nonce=message.response_nonce,
        error=message.error_detail.message if message.HasField("error_detail") else None,
        names=tuple(message.resource_names_subscribe),
        unsubscribe=tuple(message.resource_names_unsubscribe),
        initial=dict(message.initial_resource_versions),
    )


def sotw_response(push: Push) -> bytes:
    """Lay out a DiscoveryResponse."""
    parts = [_text(1, push.version), _text(4, push.type_url), _text(5, push.nonce)]
    for one in push.resources:
        parts += _framed(2, _any(one.type_url, one.body))
    return b"".join(parts)


def delta_response(push: Push) -> bytes:
    """Lay out a DeltaDiscoveryResponse, each resource with its version."""
    parts = [_text(1, push.version), _text(4, push.type_url), _text(5, push.nonce)]
    parts += [_text(6, name) for name in push.removed]
    for one in push.resources:
        body = _framed(2, _any(one.type_url, one.body))
        parts += _framed(2, [_text(1, one.version), *body, _text(3, one.name)])
    return b"".join(parts)


READ: dict[bool, Callable[[bytes], Request]] = {False: sotw_request, True: delta_request}
"""How requests are read, by whether the stream is delta."""

WRITE: dict[bool, Callable[[Push], bytes]] = {False: sotw_response, True: delta_response}
"""How pushes are written, by whether the stream is delta."""


def _service(node: Node) -> tuple[str, str, str]:
    """Return the service's name, address and version, for an Envoy what it is alone.

    A name that is no text, or empty, is none that exists: it must not pass for an Envoy's.
    """
    fields = node.metadata.fields
    if node.user_agent_name == "envoy" or SERVICE not in fields:
        return "", "", _software(node)
    address, version = (fields[k].string_value if k in fields else "" for k in (ADDRESS, VERSION))
    return fields[SERVICE].string_value or "?", address, version


def _software(node: Node) -> str:
    """Return what a client says that it is: `envoy/1.40.0`."""
    build = node.user_agent_build_version.version
    version = f"{build.major_number}.{build.minor_number}.{build.patch}"
    name = node.user_agent_name
    return f"{name}/{node.user_agent_version or version}" if name else ""


def _any(type_url: str, body: bytes) -> list[bytes]:
    return [_text(1, type_url), *_framed(2, [body])]


def _text(number: int, value: str) -> bytes:
    data = value.encode()
    return _head(number, len(data)) + data


def _framed(number: int, parts: list[bytes]) -> list[bytes]:
    """Return a length-delimited field, in parts so that bodies are not copied at each level."""
    return [_head(number, sum(map(len, parts))), *parts]


def _head(number: int, length: int) -> bytes:
    """Field number with wire type 2, then the length as a varint (protobuf encoding guide)."""
    head = bytearray([number << 3 | 2])
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head)
