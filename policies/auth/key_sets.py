"""The setting `jwks`: where an issuer's public keys are, as a URL, a file or themselves."""

import json
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.scalars import Quoted, fault
from policies.auth.public_keys import wrong
from policies.auth.sources import KeySource, Origin
from policies.auth.urls import key_set_url

_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""What a public key of each kind must hold (RFC 7518 section 6, RFC 8037 section 2)."""
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_HINT = "write a URL, {file: PATH} or {keys: […]}"


def _key_set(value: object) -> KeySource:
    if isinstance(value, str):
        return KeySource(origin=Origin.URL, at=key_set_url(value))
    if not isinstance(value, dict):
        raise fault("a key set is no list", "write {keys: […]}")
    for name in value:
        if name not in {"file", "keys"}:
            raise fault(f"unknown key '{name}'", "it may be file, keys", at=name)
    if len(value) != 1:
        raise fault("a key set stands in one place", _HINT)
    if "file" in value:
        path = value["file"]
        if not isinstance(path, str) or not path or not path.isprintable():
            raise fault("this is not the path of a file", "write {file: PATH}", at="file")
        return KeySource(origin=Origin.FILE, at=str(path))
    keys = value["keys"]
    if not isinstance(keys, list):
        raise fault("the keys are a list", "write {keys: [{kty: …}]}", at="keys")
    made = [_key(key) for key in keys]
    named = [one["kid"] for one in made if "kid" in one]
    if len(named) != len({str(name) for name in named}):
        raise fault("two keys have the same kid: neither is used", "keep one of them", at="keys")
    text = json.dumps({"keys": made}, sort_keys=True, separators=(",", ":"))
    return KeySource(origin=Origin.INLINE, at=text)


def _key(value: object) -> dict[str, object]:
    """A JWK; the words of a refusal repeat nothing of it."""
    if not isinstance(value, dict):
        raise fault("a key is a mapping", "write {kty: …, kid: …}", at="keys")
    if any(name in value for name in _PRIVATE) or value.get("kty") == "oct":
        message = "a secret key stands here: only its public half belongs in a file"
        hint = "leave the private members out, and make a new key"
        raise fault(message, hint, at="keys", hidden=True)
    members = _MEMBERS.get(str(value.get("kty")))
    if members is None:
        raise fault("a key's kty is RSA, EC or OKP", "write {kty: …, kid: …}", at="keys")
    missing = [name for name in members if not isinstance(value.get(name), str)]
    if missing:
        raise fault(f"this key lacks {', '.join(missing)}", "copy it whole", at="keys")
    made = {name: _member(one) for name, one in value.items()}
    why = wrong(made)
    if why is not None:
        message = f"no token can be verified with this key: {why}"
        raise fault(message, "leave it out, or copy it whole", at="keys")
    return made


def _member(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Quoted) and value in {"true", "false"}:
        return value == "true"
    return [_member(one) for one in value] if isinstance(value, list) else value


KeySet: TypeAlias = Annotated[
    KeySource,
    BeforeValidator(_key_set),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^https?://"},
                {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "description": "A file with a JWK Set."},
                        "keys": {
                            "type": "array",
                            "description": "The public keys themselves (RFC 7517).",
                            "items": {"type": "object"},
                            "minItems": 1,
                        },
                    },
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
