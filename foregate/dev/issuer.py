"""The demo issuer of `foregate dev`: an OpenID provider that gives a token to whoever asks.

Run as a child: each line on stdin is a JSON list of `[issuer, audience]` to serve from now on; the
answer on stdout is a JSON list of `[issuer, why]` for those that could not be. It ends with its
stdin. Its keys are made in memory at the start and die with it. It gives tokens without asking who
wants them, so it listens on loopback alone, and nothing but `dev` starts it.
"""

import json
import secrets
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

LIFETIME = 3600
"""Seconds that a token lives."""

HOSTS = frozenset({"127.0.0.1", "localhost"})
BODY = 64 << 10
"""Bytes of a form that are read."""

Alg: TypeAlias = Literal["RS256", "EdDSA"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An issuer on this machine: its URL as the gateway file has it, and the audiences of it."""

    url: str
    host: str
    port: int
    path: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with the name that tokens give it."""

    kid: str
    alg: Alg
    private: RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a token should say. Scopes are one text, with spaces between."""

    subject: str
    audience: str
    scope: str = ""


def issuers_of(identities: Iterable[tuple[str, str]]) -> tuple[Issuer, ...]:
    """Choose from (issuer, audience) those that this may stand in for, each once, in order.

    These are `http://127.0.0.1:PORT` and `http://localhost:PORT`, with or without a path. Whether
    somebody listens there already shows when the child tries to.
    """
    found: dict[str, Issuer] = {}
    for url, audience in identities:
        parts = urlsplit(url)
        try:
            host, port = parts.hostname or "", parts.port
        except ValueError:
            continue
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        if parts.scheme != "http" or host not in HOSTS or not port or not plain:
            continue
        known = found[url].audiences if url in found else ()
        audiences = known if audience in known else (*known, audience)
        path = parts.path.rstrip("/")
        found[url] = Issuer(url=url, host=host, port=port, path=path, audiences=audiences)
    return tuple(found.values())


def new_keys() -> tuple[SigningKey, ...]:
    """Make a key pair of each kind."""
    rsa = generate_private_key(public_exponent=65537, key_size=2048)
    return (
        SigningKey(kid=secrets.token_hex(8), alg="RS256", private=rsa),
        SigningKey(kid=secrets.token_hex(8), alg="EdDSA", private=Ed25519PrivateKey.generate()),
    )


def demo_token(key: SigningKey, issuer: str, asked: Asked, now: int) -> str:
    """Sign an access token (RFC 9068); `now` in seconds since the epoch."""
    claims = {
        "iss": issuer,
        "sub": asked.subject,
        "client_id": asked.subject,
        "aud": asked.audience,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": secrets.token_hex(8),
        **({"scope": asked.scope} if asked.scope else {}),
    }
    head = {"kid": key.kid, "typ": "at+jwt"}
    return jwt.encode(claims, key.private, algorithm=key.alg, headers=head)


def published(keys: Iterable[SigningKey]) -> dict[str, Any]:
    """Give the public halves as a JWKS."""
    return {"keys": [_public(k) | {"kid": k.kid, "alg": k.alg, "use": "sig"} for k in keys]}


def discovery(issuer: Issuer) -> dict[str, Any]:
    """Give what stands at `/.well-known/openid-configuration`."""
    base = issuer.url.rstrip("/")
    return {
        "issuer": issuer.url,
        "jwks_uri": f"{base}/jwks",
        "token_endpoint": f"{base}/token",
        "response_types_supported": ["token"],
        "grant_types_supported": ["client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "EdDSA"],
    }


def _public(key: SigningKey) -> dict[str, Any]:
    if isinstance(key.private, RSAPrivateKey):
        made = RSAAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    else:
        made = OKPAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    return {name: value for name, value in made.items() if name != "key_ops"}


class Server(ThreadingHTTPServer):
    """Serves one issuer in threads of its own; raises OSError where its address is taken."""

    daemon_threads = True

    def __init__(self, issuer: Issuer, keys: Sequence[SigningKey]) -> None:
        super().__init__((issuer.host, issuer.port), _Handler)
        self.issuer = issuer
        self.keys = keys
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = 10

    def do_GET(self) -> None:  # the base's name
        """Answer discovery, the keys and, for a browser or curl, a token."""
        self._answer({})

    def do_POST(self) -> None:  # the base's name
        """Answer as a token endpoint does."""
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY:
            self._say(413, {"error": "invalid_request"})
            return
        self._answer(parse_qs(self.rfile.read(int(length)).decode("latin-1")))

    def _answer(self, form: dict[str, list[str]]) -> None:
        issuer, parts = self.server.issuer, urlsplit(self.path)
        # A page in a browser that had a name of its own resolve to this machine would be told here.
        if self.headers.get("host") != urlsplit(issuer.url).netloc:
            self._say(421, {"error": "misdirected"})
        elif parts.path == f"{issuer.path}/.well-known/openid-configuration":
            self._say(200, discovery(issuer))
        elif parts.path == f"{issuer.path}/jwks":
            self._say(200, published(self.server.keys))
        elif parts.path == f"{issuer.path}/token":
            self._token(parse_qs(parts.query) | form)
        else:
            self._say(404, {"error": "not_found"})

    def _token(self, asked: dict[str, list[str]]) -> None:
        values = {name: given[0] for name, given in asked.items()}
        alg = values.get("alg", "RS256")
        key = next((k for k in self.server.keys if k.alg == alg), None)
        if key is None:
            self._say(400, {"error": "invalid_request", "error_description": "RS256 or EdDSA"})
            return
        wanted = Asked(
            subject=values.get("sub", "demo"),
            audience=values.get("aud", self.server.issuer.audiences[0]),
            scope=values.get("scope", ""),
        )
        token = demo_token(key, self.server.issuer.url, wanted, int(time.time()))
        said = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME}
        self._say(200, said | ({"scope": wanted.scope} if wanted.scope else {}))

    def _say(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said, indent=2).encode() + b"\n"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("cache-control", "no-store")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base's name
        """Say nothing: a token's parameters are nobody's business."""


def main() -> None:
    """Serve what stdin says until it closes."""
    keys = new_keys()
    servers: dict[Issuer, Server] = {}
    for line in sys.stdin:
        wanted = issuers_of((url, audience) for url, audience in json.loads(line))
        for gone in servers.keys() - set(wanted):
            servers.pop(gone).end()
        failed = []
        for issuer in wanted:
            if issuer not in servers:
                try:
                    servers[issuer] = Server(issuer, keys)
                except OSError as error:
                    failed.append((issuer.url, error.strerror or str(error)))
        sys.stdout.write(json.dumps(failed) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
