"""What of an answer is keys: the admission of JWK Sets (RFC 7517) before anything is kept.

Only public keys of the kinds that sign tokens get through. A key that comes with its private half
is everybody's key, and none.
"""

import json
from collections.abc import Mapping

from policies.auth.keys import MalformedKeysError, parse

_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""The members that make a public key, by its kind (RFC 7518 section 6, RFC 8037 section 2)."""

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


_TEXTS = frozenset({"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"})


NONE = b'{"keys":[]}'
"""A set of no keys, as `public_keys` writes it."""


class NoKeysError(Exception):
    """An answer that is no set of keys; `why` says so without a word of the answer."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def public_keys(body: bytes) -> bytes:
    """Return the public keys of a JWK Set as one in canonical JSON. Raises NoKeysError.

    A set without any is an answer too: an issuer that withdraws its last key means it.
    """
    keys = json_object(body).get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise NoKeysError("no JWK Set")
    sound = [_plain(key) for key in keys if _is_public(key)]
    made = json.dumps({"keys": sound}, sort_keys=True, separators=(",", ":")).encode()
    try:
        parse(made)  # what extauthz would refuse is refused here, where the last good can stay
    except MalformedKeysError as error:
        raise NoKeysError("a JWK Set that extauthz cannot read") from error
    return made


def json_object(body: bytes) -> Mapping[str, object]:
    """Read a JSON object. Raises NoKeysError."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoKeysError("not JSON") from error
    if not isinstance(found, dict):
        raise NoKeysError("no JSON object")
    return found


def _plain(key: Mapping[str, object]) -> dict[str, object]:
    """A key with what extauthz reads of it alone: nothing else can then make it refuse the set."""
    texts = {m: key[m] for m in _TEXTS if isinstance(key.get(m), str)}
    operations = key.get("key_ops")
    if "key_ops" in key:
        listed = operations if isinstance(operations, list) else []
        texts["key_ops"] = [o for o in listed if isinstance(o, str)]
    return texts


def _is_public(key: Mapping[str, object]) -> bool:
    kind = key.get("kty")
    members = _PUBLIC.get(kind, ()) if isinstance(kind, str) else ()
    there = all(isinstance(key.get(m), str) and key[m] for m in members)
    worded = all(_is_text(key[m]) for m in _TEXTS & key.keys())
    return bool(members) and there and worded and not _PRIVATE & key.keys()


def _is_text(value: object) -> bool:
    """Whether it is a text that every reader of JSON takes: no half of a surrogate pair."""
    try:
        return isinstance(value, str) and bool(value.encode() or True)
    except UnicodeEncodeError:
        return False
