"""A real OpenID provider (npm's `oidc-provider`), for tests: real tokens, real keys, rotation."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.e2e.process import Process, free_port
from tools.parts import HOME, MissingError

SOURCES = Path(__file__).parent / "oidc"
FILES = ("package.json", "package-lock.json", "server.mjs")
INSTALL_SECONDS = 90.0
SECONDS = 10.0

RESOURCE = "urn:foregate:"
"""Before the audience, what `server.mjs` takes as a resource."""

Alg: TypeAlias = Literal["RS256", "ES256", "EdDSA"]
Jwk: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who asks for tokens; its id is their subject and their `client_id`."""

    id: str = "shop-app"
    secret: str = "a-secret-of-tests-alone"  # noqa: S105 # of a provider that lives in a test


@dataclass(slots=True, kw_only=True)
class Issuer:
    """A running provider. `folder` holds its settings and keys."""

    url: str
    folder: Path
    process: Process
    keys: list[Jwk]
    clients: Sequence[Client] = (Client(),)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=SECONDS))

    def token(self, scope: str = "", audience: str = "shop", client: Client | None = None) -> str:
        """Ask for an access token as a program does; raises HTTPStatusError where it is refused."""
        who = client or self.clients[0]
        asked = {"grant_type": "client_credentials", "resource": RESOURCE + audience}
        answer = self.http.post(
            f"{self.url}/token",
            data=asked | ({"scope": scope} if scope else {}),
            auth=(who.id, who.secret),
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def rotate(self, alg: Alg = "RS256", *, keep: bool = False) -> str:
        """Sign with a new key from now on, and give its kid; with `keep` the old ones are published
        still, as an issuer does that rotates well; else they are gone at once.
        """  # noqa: D205 # one thought
        self.keys[:] = [new_key(alg), *(self.keys if keep else ())]
        _write_keys(self.folder, self.keys)
        self.process.child.send_signal(signal.SIGHUP)
        kid = str(self.keys[0]["kid"])
        self.process.wait_for(f"ready {kid}", SECONDS)
        return kid

    def end(self) -> None:
        """End it; nothing is left but its folder."""
        self.http.close()
        self.process.end()


def start(
    folder: Path,
    *,
    alg: Alg = "RS256",
    port: int = 0,
    lifetime: int = 3600,
    scopes: Sequence[str] = ("orders:read", "orders:write"),
    clients: Sequence[Client] = (Client(),),
) -> Issuer:
    """Start a provider in an empty folder; `lifetime` is of its tokens, in seconds.

    Raises MissingError where there is no node or npm, or the package is not to be had.
    """
    program = installed()
    number = port or free_port()
    keys = [new_key(alg)]
    _write_keys(folder, keys)
    settings = {
        "port": number,
        "keys": str(folder / "keys.json"),
        "lifetime": lifetime,
        "scopes": list(scopes),
        "clients": [{"id": c.id, "secret": c.secret} for c in clients],
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    words = [_program("node"), str(program), str(folder / "settings.json")]
    process = Process(words, folder, {"NODE_ENV": "production"})
    process.wait_for("ready ", SECONDS)
    url = f"http://127.0.0.1:{number}"
    found = httpx.get(f"{url}/.well-known/openid-configuration", timeout=SECONDS)
    assert found.json()["issuer"] == url
    return Issuer(url=url, folder=folder, process=process, keys=keys, clients=clients)


def installed(home: Path = HOME) -> Path:
    """The program, installed once for each state of its files; raises MissingError."""
    digest = hashlib.sha256(b"".join((SOURCES / f).read_bytes() for f in FILES)).hexdigest()
    place = home / f"oidc-provider-{digest[:12]}"
    if not place.exists():
        npm = _program("npm")
        home.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=home))
        for name in FILES:
            shutil.copy(SOURCES / name, made)
        words = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            subprocess.run(
                words, cwd=made, check=True, capture_output=True, timeout=INSTALL_SECONDS
            )
            made.rename(place)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            raise MissingError("oidc-provider") from None
        except OSError:  # another worker was faster: the same files, so its folder is as good
            if not place.exists():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return place / "server.mjs"


def new_key(alg: Alg) -> Jwk:
    """Make a private key as a JWK with a kid of its own."""
    if alg == "RS256":
        made = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True)
    elif alg == "ES256":
        made = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    else:
        made = OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)
    kept = {name: value for name, value in made.items() if name != "key_ops"}
    return {**kept, "use": "sig", "alg": alg, "kid": os.urandom(8).hex()}


def _write_keys(folder: Path, keys: Sequence[Jwk]) -> None:
    """Replace the file whole: a server that reads it meanwhile sees the old one or the new."""
    made = folder / "keys.new"
    made.write_text(json.dumps({"keys": keys}))
    made.rename(folder / "keys.json")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MissingError(name)
    return found
