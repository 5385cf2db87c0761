"""Addresses as users write them: where to listen, and where a backend is."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from language.hosts import host_name
from language.scalars import UNIQUE, Quoted, fault, one_text, words
from language.suggest import nearest

TLS = frozenset({"https", "grpcs"})
"""What is spoken over TLS, and always verified."""

SCHEMES = {"http": 80, "https": 443, "h2c": 80, "grpc": 80, "grpcs": 443}
"""What a backend may speak, with the port that is meant where none is written."""

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host (a name, an IP address, or empty for all interfaces) and a port."""

    host: str
    port: int

    @property
    def is_ip(self) -> bool:
        """Whether the host is an address and not a name."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    def __str__(self) -> str:
        """Give `host:port`, an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendUrl:
    """A backend's scheme and address."""

    scheme: str
    address: Address


def _port(text: str, offset: int = 0) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > 65535:
        raise fault(f"'{text}' is not a port", "write a number from 1 to 65535", offset)
    return int(text)


def _address(text: str, default_port: int | None, offset: int = 0) -> Address:
    """Read HOST:PORT; `offset` is where it stands in the text that faults are told of."""
    found = re.fullmatch(r"(?:\[(?P<six>[^\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[^:]*))?", text)
    if not found:
        six = text.count(":") > 1
        hint = "write an IPv6 address in brackets: [ADDRESS]:PORT" if six else "write HOST:PORT"
        raise fault(f"'{text}' is not an address", hint, offset)
    if found["port"] is not None:
        port = _port(found["port"], offset + len(text) - len(found["port"]))
    elif default_port is not None:
        port = default_port
    else:
        raise fault(f"'{text}' has no port", f"write {text}:80")
    host = found["six"] if found["six"] is not None else found["host"]
    if found["six"] is not None or re.fullmatch(r"[0-9.]+", host):
        try:
            host = str(ipaddress.ip_address(host))
        except ValueError:
            hint = "write four numbers, or an IPv6 address in brackets"
            raise fault(f"'{host}' is not an IP address", hint, offset) from None
        if "%" in host:
            message = f"'{host}' has a zone, which only one machine knows"
            raise fault(message, f"write {host.partition('%')[0]}, or another address", offset)
    else:
        host_name(host, offset)
    return Address(host=host, port=port)


def _of_one_machine(address: Address, what: str, offset: int = 0) -> Address:
    """Refuse what no connection can be made to, or no port be opened on."""
    if address.is_ip:
        found = ipaddress.ip_address(address.host)
        if found.is_multicast or address.host == "255.255.255.255":
            message = f"'{address.host}' is the address of many, and {what}"
            raise fault(message, "write the address of one machine", offset)
    return address


def _backend(address: Address, offset: int = 0) -> Address:
    if address.is_ip and ipaddress.ip_address(address.host).is_unspecified:
        message = f"'{address.host}' means every address of a machine, and is none to connect to"
        raise fault(message, "write 127.0.0.1, or the backend's own address", offset)
    return _of_one_machine(address, "a backend is one machine", offset)


def _listen(value: object) -> Address:
    text = one_text(value)
    if re.fullmatch(r"[0-9]+", text):
        if isinstance(value, Quoted):
            raise fault("a number is wanted here, not a text", "leave the quotes out")
        return Address(host="", port=_port(text))
    address = _address(text, None)
    if not address.is_ip:
        raise fault(f"'{address.host}' is not an IP address", "write PORT or ADDRESS:PORT")
    return _of_one_machine(address, "no port opens there")


def _endpoint(value: object) -> Address:
    text = one_text(value)
    if "://" in text:
        raise fault("an endpoint has no scheme", "write HOST:PORT, and protocol beside endpoints")
    if "/" in text:
        raise fault("an endpoint has no path", f"write {text.partition('/')[0]}", text.index("/"))
    return _backend(_address(text, None))


def name_server(text: str) -> Address:
    """Read `IP:PORT`, or an IP alone for port 53. Raises ValueError with a hint."""
    if _is_six(text):
        raise ValueError(f"'{text}' is an IPv6 address without brackets: write [{text}]:53")
    try:
        found = _backend(_address(text, 53))
    except PydanticCustomError as error:
        hint = (error.context or {}).get("hint")
        raise ValueError(f"{error.message()}: {hint}" if hint else error.message()) from None
    if not found.is_ip:
        raise ValueError(f"'{text}' is no address: a name server has no name, write IP:PORT")
    return found


def _is_six(text: str) -> bool:
    try:
        return ":" in str(ipaddress.ip_address(text))
    except ValueError:
        return False


def _no_twins(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
    """Two spellings of one address are one endpoint."""
    for position, one in enumerate(addresses):
        if one in addresses[:position]:
            raise fault(f"'{one}' stands twice, in two spellings", "keep one", at=position)
    return addresses


def _url(value: object) -> BackendUrl:
    text = one_text(value)
    if "@" in text:
        # what stands before the @ may be a password: it is not repeated
        raise fault("a backend's URL holds no user and no password", "leave them out")
    found = _URL.fullmatch(text)
    if not found:
        raise fault(f"'{text}' has no scheme", f"write http://{text}")
    scheme, rest = found["scheme"], found["rest"]
    if scheme not in SCHEMES:
        near = nearest(scheme, SCHEMES)
        hint = f"did you mean {near}://?" if near else f"write one of {', '.join(SCHEMES)}"
        raise fault(f"'{scheme}' is not a scheme that backends speak", hint)
    offset = len(scheme) + 3
    for sign in "/?#":
        if sign in rest:
            at = rest.index(sign)
            hint = f"write {scheme}://{rest[:at]}, and rewrite.path on the route"
            raise fault("a backend has no path", hint, offset + at)
    if not rest or rest.startswith(":"):
        raise fault("a host is missing", f"write {scheme}://HOST:PORT", offset)
    address = _backend(_address(rest, SCHEMES[scheme], offset), offset)
    return BackendUrl(scheme=scheme, address=address)


_PORT_SCHEMA: dict[str, object] = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": 65535},
        {"type": "string", "pattern": "^[0-9.]+:[0-9]+$|^\\[[0-9a-f:]+\\]:[0-9]+$"},
    ]
}
ListenAddress: TypeAlias = Annotated[
    Address, BeforeValidator(_listen), WithJsonSchema(_PORT_SCHEMA)
]
Endpoint: TypeAlias = Annotated[
    Address,
    BeforeValidator(_endpoint),
    WithJsonSchema({"type": "string", "pattern": "^[^/]+:[0-9]+$"}),
]
Endpoints: TypeAlias = Annotated[tuple[Endpoint, ...], UNIQUE, AfterValidator(_no_twins)]
Url: TypeAlias = Annotated[
    BackendUrl,
    BeforeValidator(_url),
    WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(SCHEMES)})://[^/?#@]+$"}),
]
Protocol: TypeAlias = Annotated[
    str,
    *words("a protocol that endpoints speak", *SCHEMES),
]
