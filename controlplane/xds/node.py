"""Who a node says that it is, in the first request of its stream, and what of it is refused.

An Envoy says its id. A service says besides which one it is, where Envoys reach it and which
version it is, in `node.metadata`.
"""

from ipaddress import IPv4Address, IPv6Address

from controlplane.xds.discovery import Request
from protos import SERVICE_TYPES

SERVICE = "foregate.service"
ADDRESS = "foregate.address"
VERSION = "foregate.version"
"""The keys of `node.metadata`; values are strings."""

TEXT_LENGTH = 256
"""Characters; what a node says of itself is kept, logged and shown, so its size is bounded."""

_PATH_LENGTH = 107  # bytes of a Unix socket's path (sun_path of unix(7), without the last zero)


def unfit(request: Request) -> str:
    """Say why this cannot be the first request of a stream, in short; empty when it can."""
    if not request.node:
        return "the first request must carry node.id"
    if len(request.node) > TEXT_LENGTH:
        return f"node.id is over {TEXT_LENGTH} characters"
    if len(request.group) > TEXT_LENGTH:
        return f"node.cluster is over {TEXT_LENGTH} characters"
    if len(request.software) > TEXT_LENGTH:
        return f"what the node says that it runs is over {TEXT_LENGTH} characters"
    return _unfit_service(request) if request.service else ""


def _unfit_service(request: Request) -> str:
    if request.service not in SERVICE_TYPES:
        return f"{SERVICE} names no service of ours"
    if not reachable(request.address):
        return f"{ADDRESS} is neither unix:/PATH nor IP:PORT"
    return ""


def reachable(address: str) -> bool:
    """Whether an address is `unix:/PATH` or `IP:PORT` (an IPv6 host in brackets).

    Names are not looked up: an Envoy's endpoints are addresses.
    """
    if not address.isascii() or not address.isprintable() or " " in address:
        return False
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        return path.startswith("/") and len(path) <= _PATH_LENGTH
    host, _, port = address.rpartition(":")
    if not (port.isdigit() and len(port) <= 5 and 0 < int(port) < 2**16):
        return False
    bracketed = host.startswith("[") and host.endswith("]")
    return _is_ip(host[1:-1], IPv6Address) if bracketed else _is_ip(host, IPv4Address)


def _is_ip(text: str, kind: type[IPv4Address | IPv6Address]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return "%" not in text
