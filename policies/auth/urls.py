"""The URLs of issuers and their keys: nothing is sent in clear text over a network."""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.scalars import fault, one_text

_URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<rest>[?#].*)?")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_VISIBLE = re.compile(r"[!-~]+")


def is_loopback(host: str) -> bool:
    """Whether a host, as one writes it in a URL, is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    bare = host.strip("[]")
    if not host.startswith("[") and not re.fullmatch(r"[0-9.]+", host):
        return len(host) <= 253 and all(0 < len(label) <= 63 for label in host.split("."))
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        return False
    return True


def _url(*, query: bool) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = one_text(value, "write https://HOST/…")
        if "@" in text:
            # what stands before the @ may be a password: it is not repeated
            raise fault("this URL holds a user, or an @", "leave it out", hidden=True)
        found = _URL.fullmatch(text)
        if not found or not _VISIBLE.fullmatch(text):
            raise fault("this is not a URL", "write https://HOST/…")
        authority = _AUTHORITY.fullmatch(found["authority"])
        if (
            not authority
            or not _is_address(authority["host"])
            or not 0 < int(authority["port"] or 443) < 65536
        ):
            raise fault("this URL has no host", "write https://HOST/…", len(found["scheme"]) + 3)
        rest = found["rest"] or ""
        if "#" in rest or (rest and not query):
            at = found.start("rest") + (rest.index("#") if query else 0)
            hint = f"write {text[:at]}"
            raise fault("nothing stands after the path of this URL", hint, at)
        if found["scheme"] == "http" and not is_loopback(authority["host"]):
            raise fault(
                "over http anybody on the way could replace the keys", f"write https{text[4:]}"
            )
        return str(text)

    return read


_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^https?://[^@#]+$"})

IssuerUrl: TypeAlias = Annotated[str, BeforeValidator(_url(query=False)), _SCHEMA]
"""An issuer, compared exactly as it is written (OpenID Connect Core, section 2: no query)."""

key_set_url = _url(query=True)
"""Read the URL of a JWK Set."""
