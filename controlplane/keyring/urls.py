"""Which URLs keys are fetched from: https, or this machine."""

import socket
from ipaddress import ip_address

import httpx

from policies.auth.urls import is_loopback

URL_LENGTH = 2048
"""Characters."""

WELL_KNOWN = "/.well-known/openid-configuration"


def unfit(url: str) -> str:
    """Say why nothing is fetched from this URL, in short; empty when it is sound."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return "not a URL"
    if len(url) > URL_LENGTH:
        return "the URL is too long"
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        return "not an http URL"
    if parsed.userinfo:
        return "a user in the URL"
    if parsed.scheme == "http" and not is_here(url):
        return "neither https nor on this machine"
    return ""


def metadata_url(issuer: str) -> str:
    """Return where an issuer's metadata is (OpenID Connect Discovery 1.0, section 4)."""
    return issuer.removesuffix("/") + WELL_KNOWN


def unfit_issuer(issuer: str) -> str:
    """Say why an issuer has no metadata, in short; empty when it can have."""
    if "?" in issuer or "#" in issuer:
        return "a query or fragment in the issuer"
    return unfit(metadata_url(issuer))


def host(url: str) -> str:
    """Return the host of a URL, for logs: the rest may say more than a log should."""
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):
        return ""


def is_here(url: str) -> bool:
    """Whether a URL's host is this machine, written as one writes it."""
    return is_loopback(host(url))


def may_be_here(url: str) -> bool:
    """Whether a URL's host is this machine in any spelling that is known."""
    name = host(url).rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        found = ip_address(name)
    except ValueError:
        try:
            found = ip_address(socket.inet_aton(name))  # 127.1, 2130706433, 0x7f000001
        except OSError:
            return False
    plain = getattr(found, "ipv4_mapped", None) or found
    return plain.is_loopback or plain.is_unspecified
