"""Both services without a control plane: the policy in a file, and calls as Envoy makes them."""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from envoy.service.auth.v3.external_auth_pb2 import CheckResponse
from envoy.service.ratelimit.v3.rls_pb2 import RateLimitResponse
from jwt.algorithms import OKPAlgorithm

from extauthz.service import METHOD as CHECK
from ratelimit.service import METHOD as LIMIT
from tests.e2e.fleet import hash_of, until
from tests.e2e.process import Process, foregate
from tests.e2e.routes import Told, ran, told
from tests.extauthz.checks import FAULT, admits, denial, envoy_call
from tests.extauthz.checks import told as told_upstream
from tests.ratelimit.asked import call, descriptor

pytestmark = pytest.mark.xdist_group("policy-file")

ED = ed25519.Ed25519PrivateKey.generate()
CLAIMS = {"iss": "https://own.example", "aud": "shop", "sub": "ann", "exp": 4_000_000_000}
TOKEN = jwt.encode(CLAIMS, ED, "EdDSA", headers={"kid": "ed"})
ACME, BOB = "fg_acme_0123456789abcdef", "fg_bob_0123456789abcdef"
GATEWAY = """\
version: 1
identities:
  own: {issuer: "https://own.example", audience: shop, jwks: {file: keys.json}}
  keys: {apiKey: {header: x-api-key}}
consumers:
  acme: {keys: [{hash: "sha256:${ACME_KEY_HASH}", scopes: ["orders:read"]}]}
backends: {echo: "http://127.0.0.1:8080"}
routes:
  - {path: /any, auth: {anyOf: [own, keys]}, to: echo}
  - {path: /scoped, auth: {anyOf: [own, keys], scopes: ["orders:read"]}, to: echo}
  - {path: /tight, auth: none, limits: [{per: ip, rate: 1/h, burst: 2}], to: echo}
"""
CANARIES = (
    *(ACME, BOB, TOKEN),
    *(hash_of(key).removeprefix("sha256:") for key in (ACME, BOB)),
    *(base64.b64encode(bytes.fromhex(hash_of(key)[7:])).decode() for key in (ACME, BOB)),
)
KEY = ("x-api-key", ACME.encode())
BEARER = ("authorization", f"Bearer {TOKEN}".encode())


@dataclass
class Bare:
    """A folder with a gateway, the policy made of it, and both services on that file."""

    folder: Path
    running: dict[str, Process] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    routes: dict[str, Told] = field(default_factory=dict)
    first: str = ""

    @property
    def policy(self) -> Path:
        return self.folder / "policy.json"

    def make(self, gateway: str = GATEWAY, key: str = ACME) -> None:
        """Save the gateway, and write the policy as an operator does."""
        (self.folder / "gateway.yaml").write_text(gateway)
        secret = {"ACME_KEY_HASH": hash_of(key).removeprefix("sha256:")}
        done = self.ran(("xds", "--services", "policy.json", "gateway.yaml"), secret)
        assert done == "policy.json: 5 resources, for its owner alone\n"
        if not self.routes:
            self.ran(("xds", "gateway.yaml"), secret)
            self.routes = told(self.ran(("xds", "-o", "json", "gateway.yaml"), secret))
            self.first = self.policy.read_text()

    def save(self, text: str) -> None:
        """Put another policy there in one step, so that nobody reads half of it."""
        unfinished = self.folder / "unfinished"
        unfinished.write_text(text)
        unfinished.replace(self.policy)

    def ran(self, words: tuple[str, ...], environ: dict[str, str]) -> str:
        done = ran(*words, cwd=self.folder, environ=environ)
        self.said += [done.stdout, done.stderr]
        return done.stdout

    def passes(self, key: str) -> bool:
        return admits(self.check("/any", ("x-api-key", key.encode())))

    def start(self) -> None:
        for name in ("extauthz", "ratelimit"):
            environ = {"FOREGATE_ADMIN_LISTEN": "", "FOREGATE_LOG": "debug"}
            words = ("--policy", str(self.policy), "--listen", f"unix:{self.folder}/{name}.sock")
            self.running[name] = Process(foregate(name, *words), self.folder, environ)
        for process in self.running.values():
            process.wait_for('"serving"')

    def call(self, service: str, method: str, body: bytes) -> bytes:
        with grpc.insecure_channel(f"unix:{self.folder}/{service}.sock") as channel:
            made: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{method}")
            return made(body, timeout=5)

    def check(self, path: str, *headers: tuple[str, bytes]) -> CheckResponse:
        route = self.routes[path]
        request = envoy_call(route.pipeline, *headers, rule=route.rule)
        body = self.call("extauthz", CHECK, request.SerializeToString())
        return CheckResponse.FromString(body)

    def limited(self, path: str, who: str) -> int:
        """The code (1 OK, 2 OVER_LIMIT) of a request by somebody."""
        (limit,) = self.routes[path].limits
        body = call(descriptor(("limit", limit), ("masked_remote_address", who)))
        return RateLimitResponse.FromString(self.call("ratelimit", LIMIT, body)).overall_code

    def times(self, path: str) -> list[int]:
        """The codes of three requests by somebody who never came before."""
        who = os.urandom(8).hex()
        return [self.limited(path, who) for _ in range(3)]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    made = Bare(tmp_path_factory.mktemp("bare"))
    jwk = {**OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True), "kid": "ed", "use": "sig"}
    (made.folder / "keys.json").write_text(json.dumps({"keys": [jwk]}))
    made.make()
    made.start()
    yield made
    codes = {name: process.end() for name, process in made.running.items()}
    assert set(codes.values()) == {0}
    lines = [line for process in made.running.values() for line in process.lines]
    said = "\n".join([*made.said, *lines])
    assert '"denied"' in said  # so the log of each decision is in what is searched
    assert [canary for canary in CANARIES if canary in said] == []


@pytest.fixture(autouse=True)
def as_it_was(bare: Bare) -> Iterator[None]:
    """After each test the file is the first one again, and both services have it."""
    yield
    bare.save(bare.first)
    until("the first consumers are back", lambda: bare.passes(ACME) and not bare.passes(BOB))
    until("the first limits are back", lambda: bare.times("/tight") == [1, 1, 2])


def test_who_may_pass(bare: Bare) -> None:
    passed = bare.check("/any", KEY)
    assert admits(passed)
    assert told_upstream(passed)["x-foregate-consumer"] == "acme"
    assert admits(bare.check("/any", BEARER))
    assert admits(bare.check("/scoped", KEY))


def test_who_may_not(bare: Bare) -> None:
    assert denial(bare.check("/any"))[1] == 401
    assert denial(bare.check("/any", ("x-api-key", BOB.encode())))[1] == 401
    assert denial(bare.check("/any", ("authorization", f"Bearer {TOKEN}x".encode())))[1] == 401
    assert denial(bare.check("/scoped", BEARER))[1] == 403
    unknown = envoy_call("0" * 64, KEY).SerializeToString()
    body = bare.call("extauthz", CHECK, unknown)
    assert denial(CheckResponse.FromString(body)) == FAULT


def test_how_much(bare: Bare) -> None:
    assert [bare.limited("/tight", "10.0.0.1") for _ in range(4)] == [1, 1, 2, 2]
    assert bare.limited("/tight", "10.0.0.2") == 1
    with pytest.raises(grpc.RpcError):
        bare.call("ratelimit", LIMIT, call(descriptor(("limit", "unknown"))))


def test_only_the_owner_reads_it_whatever_stood_there(bare: Bare) -> None:
    bare.policy.chmod(0o666)
    before = os.umask(0)
    try:
        bare.make()
    finally:
        os.umask(before)
    assert bare.policy.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in bare.folder.glob("policy*")] == ["policy.json"]


def test_a_changed_file_is_taken_up(bare: Bare) -> None:
    assert [bare.limited("/tight", "10.0.1.1") for _ in range(3)] == [1, 1, 2]
    bare.make(GATEWAY.replace("burst: 2", "burst: 5"), key=BOB)
    until("bob passes", lambda: bare.passes(BOB))
    assert denial(bare.check("/any", KEY))[1] == 401
    until("the limit is a wider one", lambda: bare.limited("/tight", "10.0.1.1") == 1)
    assert [bare.limited("/tight", "10.0.1.1") for _ in range(3)] == [1, 1, 2]


@pytest.mark.parametrize(
    "broken", ["{", "", '{"items": [{"name": "x", "resource": {"@type": "type.of/nothing"}}]}']
)
def test_a_broken_file_changes_nothing(bare: Bare, broken: str) -> None:
    bare.save(broken)
    for process in bare.running.values():
        process.wait_for("policy file refused, the old policy stays")
    assert admits(bare.check("/any", KEY))
    assert denial(bare.check("/any"))[1] == 401
    assert bare.times("/tight") == [1, 1, 2]


def test_a_file_with_one_bad_resource_is_refused_whole(bare: Bare) -> None:
    """The consumers are new and sound, a pipeline is not what its hash says: both stay out."""
    bare.make(key=BOB)
    until("bob passes", lambda: bare.passes(BOB))
    good = json.loads(bare.policy.read_text())
    bare.save(bare.first)
    until("acme passes", lambda: bare.passes(ACME))
    for item in good["items"]:
        if "document" in item["resource"]:
            item["resource"]["document"] = base64.b64encode(b"{}").decode()
    bare.save(json.dumps(good))
    bare.running["extauthz"].wait_for("policy file refused, the old policy stays")
    assert admits(bare.check("/any", KEY))
    assert denial(bare.check("/any", ("x-api-key", BOB.encode())))[1] == 401


def test_a_secret_that_is_not_set_writes_nothing(bare: Bare) -> None:
    before = bare.policy.read_bytes()
    done = ran("xds", "--services", "policy.json", "gateway.yaml", cwd=bare.folder, code=1)
    assert "ACME_KEY_HASH" in done.stderr
    assert bare.policy.read_bytes() == before
