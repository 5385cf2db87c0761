"""JSON objects and base64url, read strictly: what two readers could read differently is refused."""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NoReturn, TypeAlias

JsonObject: TypeAlias = dict[str, Any]

DEPTH = 16
"""How deep lists and objects may nest: the access lists of big identity providers need 4."""

_ALPHABET = re.compile(rb"[A-Za-z0-9_-]*")


class MalformedObjectError(ValueError):
    """Bytes that are not exactly one JSON object, or text that is not base64url."""


def json_object(text: bytes) -> JsonObject:
    """Read one JSON object in UTF-8 (RFC 8259; RFC 7515 section 4 for its members).

    Refused are a member that occurs twice, numbers that are none, halves of surrogate pairs and
    nesting deeper than `DEPTH`. Raises MalformedObjectError, which never holds what was read.
    """
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise MalformedObjectError("not JSON") from None
    if not isinstance(value, dict):
        raise MalformedObjectError("not an object")
    _bounded(value, DEPTH)
    return value


def base64url(text: bytes) -> bytes:
    """Read base64url without padding (RFC 7515 section 2), in its one canonical spelling."""
    if not _ALPHABET.fullmatch(text) or len(text) % 4 == 1:
        raise MalformedObjectError("not base64url")
    try:
        value = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        raise MalformedObjectError("not base64url") from None
    if urlsafe_b64encode(value).rstrip(b"=") != text:
        raise MalformedObjectError("trailing bits")
    return value


def _members(pairs: list[tuple[str, Any]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedObjectError("a member occurs twice")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise MalformedObjectError("not a number")


def _bounded(value: object, depth: int) -> None:
    """Refuse what is nested too deep, and texts that are no Unicode."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise MalformedObjectError("half a surrogate pair")
    elif isinstance(value, dict | list):
        if depth == 0:
            raise MalformedObjectError("nested too deep")
        for member in value:
            _bounded(member, depth - 1)
        for below in value.values() if isinstance(value, dict) else ():
            _bounded(below, depth - 1)
