"""The types of hosts: those that are matched, and those that requests are sent to."""

import ipaddress
import re
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.scalars import TEXT_SCHEMA, fault, one_text

HOST_REGEX = r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?"
"""Names, IPv4 and bracketed IPv6 addresses, with or without a port (RFC 3986 section 3.2.2)."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")

_FOUR = re.compile(r"[0-9]+(\.[0-9]+){3}")


def host_name(text: str, offset: int = 0) -> str:
    """Check a DNS name or an IPv4 address in lower case; raise a fault where it is none."""
    if text != text.lower():
        raise fault(f"'{text}': hosts are lower case", f"write {text.lower()}", offset)
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        hint = "labels of letters, digits and '-', with dots between them"
        hint = f"write {text[:-1]}" if text.endswith(".") else hint
        if not text.isascii():
            hint = f"write {text.encode('idna').decode()}" if _encodable(text) else "write punycode"
        raise fault(f"'{text}' is not a host name", hint, offset)
    return text


def _encodable(text: str) -> bool:
    try:
        text.encode("idna")
    except UnicodeError:
        return False
    return True


def bare_host(text: str, hint_for_port: str) -> str:
    """Check a host without wildcards."""
    if "://" in text or "/" in text:
        bare = re.sub(r"^[A-Za-z]+://", "", text).split("/")[0].lower()
        raise fault(f"'{text}': a host has no scheme and no path", f"write {bare}" if bare else "")
    if re.fullmatch(r"[^:]+:[0-9]*", text) or re.search(r"\]:[0-9]*$", text):
        bare, _, port = text.rpartition(":")
        raise fault("a host has no port here", hint_for_port.format(bare=bare, port=port))
    if text.startswith("[") or text.count(":") > 1:
        return _six(text)
    if "*" in text:
        raise fault(
            "a wildcard is the whole first label", 'write "*.example.com", or "*" for any host'
        )
    if _FOUR.fullmatch(text):
        try:
            ipaddress.IPv4Address(text)
        except ValueError:
            hint = "write four numbers from 0 to 255, without zeros before them"
            raise fault(f"'{text}' is not an IP address", hint) from None
    return host_name(text)


def _six(text: str) -> str:
    bare = text.removeprefix("[").removesuffix("]")
    if "%" in bare:
        raise fault(f"'{text}' has a zone, which never arrives", "leave the % and the rest out")
    try:
        shortest = f"[{ipaddress.IPv6Address(bare)}]"
    except ValueError:
        raise fault(f"'{text}' is not an IPv6 address") from None
    if text != shortest:
        raise fault(f"'{text}' never arrives like this", f'write "{shortest}"')
    return text


def _host(value: object) -> str:
    text = one_text(value)
    if text.startswith("*.") and not re.search(r"[:/*]", text[1:]):
        host_name(text[2:])
    elif text != "*":
        bare_host(text, "write {bare}: it holds for every port")
    return str(text)


def _one_host(value: object) -> str:
    text = one_text(value)
    if text.startswith("*"):
        raise fault("this is one host, no wildcard", "write a name")
    return str(bare_host(text, "write host: {bare}, port: {port}"))


def _authority(value: object) -> str:
    text = one_text(value)
    if "*" in text:
        raise fault("this is one host, no wildcard", "write a name")
    found = re.fullmatch(r"(.*[^:]):([1-9][0-9]{0,4})", text)
    if found and int(found[2]) < 65536 and (":" not in found[1] or found[1].startswith("[")):
        bare_host(found[1], "write one port")
    else:
        bare_host(text, "a port is a number from 1 to 65535")
    return str(text)


Host: TypeAlias = Annotated[str, BeforeValidator(_host), WithJsonSchema(TEXT_SCHEMA)]
"""A host to match: a name, `*.` and a name, or `*` for any."""

OneHost: TypeAlias = Annotated[str, BeforeValidator(_one_host), WithJsonSchema(TEXT_SCHEMA)]
"""A host to go to."""

Authority: TypeAlias = Annotated[str, BeforeValidator(_authority), WithJsonSchema(TEXT_SCHEMA)]
"""A host to name to a backend, with a port or without."""
