"""Addresses and headers as they are written on a command line, and as a client sends them."""

from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.explaining.request import Request


class UnreadError(Exception):
    """A line of which it is not known what it sends; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The request of a line, and what of it is only nearly known."""

    request: Request
    notes: tuple[str, ...]


def addressed(method: str, url: str, lines: Sequence[str]) -> Sent:
    """Give the request of a method and a URL with headers, and nothing that a client adds."""
    _, host, target = parts(url)
    pairs, other = headers(lines, curl=False)
    return Sent(
        request=Request(method=method, host=other or host, target=target, headers=tuple(pairs)),
        notes=(),
    )


def brackets_of_host(address: str) -> bool:
    """Whether the brackets are those of an IPv6 address alone."""
    rest = address.partition("://")[2] or address
    return rest.startswith("[") and not any(sign in rest.partition("]")[2] for sign in "{}[]")


def parts(address: str) -> tuple[str, str, str]:
    """Scheme, authority, and path with query."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        scheme, rest = "http", address
    if scheme.lower() not in {"http", "https"}:
        raise UnreadError(f"'{scheme}' is no scheme of the gateway: write http://")
    ends = [at for sign in "/?#" if (at := rest.find(sign)) >= 0]
    end = min(ends, default=len(rest))
    host, target = rest[:end], rest[end:]
    if not host:
        raise UnreadError(f"'{address}' has no host: write http://HOST/PATH")
    return scheme.lower(), host, target if target.startswith("/") else f"/{target}"


def headers(lines: Sequence[str], *, curl: bool) -> tuple[list[tuple[str, str]], str]:
    """Headers as they are sent, names in lower case, and the Host among them.

    Of `curl` a header without a value is none, and one that ends in a semicolon is empty.
    """
    found: list[tuple[str, str]] = []
    host = ""
    for line in lines:
        name, colon, value = line.partition(":")
        if curl and not colon and line.endswith(";"):
            name, colon = line[:-1], ";"
        if not colon:
            raise UnreadError(f"'{line}' is no header: write 'name: value'")
        if name.lower() == "host":
            host = value.strip()
        elif value.strip() or colon == ";" or not curl:
            found.append((name.strip().lower(), value.strip()))
    return found, host


def removed(lines: Sequence[str]) -> set[str]:
    """The headers that a line takes out: `accept:` with nothing behind it."""
    return {line[:-1].strip().lower() for line in lines if line.rstrip().endswith(":")}
