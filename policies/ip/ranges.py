"""Ranges of addresses: read as users write them, and asked which of them holds another."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.scalars import fault, one_text

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
"""Where IPv6 writes IPv4 addresses (RFC 4291 section 2.5.5.2)."""

_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")
_OCTETS = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})(?:\.\*)+")
_HINT = "write an address such as 10.0.0.1, or a range such as 10.0.0.0/8"


def _range(value: object) -> Network:
    text = one_text(value, _HINT)
    head, slash, bits = text.partition("/")
    try:
        address = ipaddress.ip_address(head)
    except ValueError:
        raise fault(f"'{text}' is not an address or a range", _meant(text)) from None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise fault(f"'{text}' has a zone, and clients' addresses have none", "leave the % out")
    most = address.max_prefixlen
    if slash and (not _PREFIX.fullmatch(bits) or int(bits) > most):
        message = f"'{bits}' is not a length of a range"
        raise fault(message, f"write /0 to /{most}", len(head) + 1)
    network = ipaddress.ip_network(f"{address}/{bits or most}", strict=False)
    if network.network_address != address:
        hint = f"write {network}, or {address} if you mean this address alone"
        raise fault(f"{text} has bits set after the first {bits}", hint)
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(MAPPED):
        mapped = network.network_address.ipv4_mapped
        hint = f"write {mapped}{f'/{network.prefixlen - 96}' if network.prefixlen < 128 else ''}"
        raise fault(f"{text} is IPv4, written as IPv6", hint)
    return network


def _meant(text: str) -> str:
    """Name the range that was meant by `10.1.*.*`, and the address in `10.0.0.1:80`."""
    stars = _OCTETS.fullmatch(text)
    if stars:
        parts = stars[1].split(".")
        whole = ".".join([*parts, *["0"] * (4 - len(parts))])
        try:
            return f"write {ipaddress.IPv4Network(f'{whole}/{8 * len(parts)}')}"
        except ValueError:
            return _HINT
    host, colon, _ = text.rpartition(":")
    try:
        found = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return _HINT
    return f"clients' ports mean nothing: write {found}" if colon else _HINT


Range: TypeAlias = Annotated[
    Network,
    BeforeValidator(_range),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9A-Fa-f.:]+(/[0-9]+)?$"}),
]
"""An address, or a range of them as CIDR (RFC 4632): no bits are set after the length."""


class Ranges:
    """Ranges that can be asked for the widest of them that holds another."""

    def __init__(self, ranges: Iterable[Network]) -> None:
        self._keys = {_key(one, one.prefixlen) for one in ranges}
        self._lengths = sorted({(version, length) for version, length, _ in self._keys})

    def holding(self, wanted: Network, *, wider: bool = False) -> Network | None:
        """The widest that holds `wanted`; `wider`: but for itself."""
        for version, length in self._lengths:
            if version != wanted.version or length > wanted.prefixlen - wider:
                continue
            if _key(wanted, length) in self._keys:
                return wanted.supernet(new_prefix=length)
        return None


def _key(network: Network, length: int) -> tuple[int, int, int]:
    bits = int(network.network_address) >> (network.max_prefixlen - length)
    return network.version, length, bits


def mapped(network: Network) -> Network | None:
    """An IPv4 range as IPv6 writes it, which is how some proxies name clients."""
    if isinstance(network, ipaddress.IPv6Network):
        return None
    address = int(MAPPED.network_address) | int(network.network_address)
    return ipaddress.IPv6Network((address, 96 + network.prefixlen))


def shown(network: Network) -> str:
    """A range as users write it: one address without its length."""
    one = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if one else str(network)
