"""Origins of web pages (RFC 6454): scheme, host and port, as browsers write them in `Origin`."""

import re
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.hosts import bare_host, host_name
from language.regexes import MalformedRegexError, check_regex, matches
from language.scalars import TEXT_SCHEMA, fault, one_text

ANY = "*"
NULL = "null"
"""What browsers write for pages without an origin: files, and frames in a sandbox."""

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(.*?)(?::([0-9]*))?")
_HOST = re.compile(r"(\*\.)?[a-z0-9.-]+(:[0-9]+)?")
_PORTS = {"http": "80", "https": "443"}
_LABELS = r"([a-z0-9_-]+\.)+"


class Origin(NamedTuple):
    """An origin as it is written: `*`, `null`, one, or all below a host (`https://*.example.com`).

    A wildcard takes one label or more, and neither another scheme nor another port.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def is_wildcard(self) -> bool:
        """Whether it takes the origins below a host."""
        return "://*." in self.text

    @property
    def regex(self) -> str:
        """The RE2 expression of a wildcard, on the whole origin."""
        scheme, _, rest = self.text.partition("://*.")
        return f"{scheme}://{_LABELS}{rest.replace('.', chr(92) + '.')}"

    def takes(self, origin: str) -> bool:
        """Whether a page of this origin is meant."""
        if self.is_wildcard:
            return matches(self.regex, origin)
        return self.text in {ANY, origin}

    def holds(self, other: "Origin") -> bool:
        """Whether it takes all that another takes."""
        if self == other or self.text == ANY:
            return True
        return self.is_wildcard and self.takes(other.text.replace("://*.", "://any."))


def _origin(value: object) -> Origin:
    text = str(one_text(value))
    if text in {ANY, NULL}:
        return Origin(text)
    if text != text.lower():
        raise fault(f"'{text}': browsers write origins in lower case", f"write {text.lower()}")
    found = _ORIGIN.fullmatch(text)
    if found is None:
        hint = f"write https://{text}" if _HOST.fullmatch(text) else "write https://HOST"
        raise fault(f"'{text}' is not an origin", hint)
    scheme, host, port = found.groups()
    bare = host.split("/")[0]
    if bare != host:
        hint = f"write {scheme}://{bare}"
        raise fault(f"'{text}': an origin has no path, and no slash at its end", hint)
    if port is not None:
        _port(text, scheme, host, port)
    out = Origin(text)
    if "*" in host:
        _wildcard(out, scheme, host)
    else:
        bare_host(host, "write one port")
    return out


def _wildcard(origin: Origin, scheme: str, host: str) -> None:
    base = host.removeprefix("*.")
    if "*" in base:
        hint = f'write "{scheme}://*.example.com", or "*" for every page'
        raise fault("a wildcard is the whole first label", hint)
    host_name(base)
    if re.fullmatch(r"[0-9.]+", base):
        raise fault(f"'{origin.text}': an address has nothing below it", "write a name")
    if "." not in base and base != "localhost":
        message = f"'{origin.text}' takes every site of a top-level domain"
        raise fault(message, "name one more label")
    try:
        check_regex(origin.regex)
    except MalformedRegexError as error:
        raise fault(error.message, "a host this long: write its origins one by one") from None


def _port(text: str, scheme: str, host: str, port: str) -> None:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        raise fault(f"'{text}': a port is a number from 1 to 65535", f"write {scheme}://{host}")
    if _PORTS.get(scheme) == port:
        message = f"'{text}' never arrives: browsers leave the port of {scheme} out"
        raise fault(message, f"write {scheme}://{host}")


OriginText: TypeAlias = Annotated[Origin, BeforeValidator(_origin), WithJsonSchema(TEXT_SCHEMA)]
"""An origin that is allowed something."""
