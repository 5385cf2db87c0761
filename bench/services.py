"""CPU of a service for each call on grpc.aio: an API key, a token, and a limit of the process."""

import asyncio
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from envoy.service.auth.v3.external_auth_pb2 import CheckRequest
from envoy.service.ratelimit.v3.rls_pb2 import RateLimitRequest
from google.protobuf.json_format import Parse
from jwt import encode
from jwt.algorithms import OKPAlgorithm

from bench.machine import cpu_seconds
from bench.running import free_port
from policies.auth.pipeline import CONTEXT
from protos.auth_pb2 import Pipeline
from protos.limits_pb2 import LimitSet
from protos.services_pb2 import Bundle

CALLS, AT_ONCE = 4000, 32
KEY = "fg_bench_not_a_secret"
CHECK = "/envoy.service.auth.v3.Authorization/Check"
LIMIT = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
GATEWAY = """\
version: 1
identities:
  idp: {issuer: "https://idp.example", audience: bench, jwks: @jwks@}
  keys: {apiKey: {header: x-api-key}}
consumers:
  bench: {key: "sha256:@hash@"}
routes:
  - path: /token
    auth: idp
    to: echo
    limits:
      - {per: global, rate: 1M/s, burst: 100000}
  - path: /key
    auth: keys
    to: echo
backends: {echo: "http://127.0.0.1:9"}
"""


def lines() -> Iterator[str]:
    """The measurement in words."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        policy, token = _policy(folder)
        pipelines = _pipelines(policy)
        by_key = _check(pipelines["apiKey"], "x-api-key", KEY)
        by_token = _check(pipelines["jwt"], "authorization", f"Bearer {token}")
        with_limit = _limit(policy)
        for service, what, method, request in (
            ("extauthz", "check of an API key", CHECK, by_key),
            ("extauthz", "check of a token (EdDSA)", CHECK, by_token),
            ("ratelimit", "limit in the process", LIMIT, with_limit),
        ):
            cpu, rate = _measured(service, policy, folder, method, request)
            yield f"{what}: {cpu:.0f} µs CPU a call, {rate:,.0f} calls/s at {AT_ONCE} in flight"


def _policy(folder: Path) -> tuple[Path, str]:
    """Write a gateway and the policy of its services; give a token that it takes too."""
    private = Ed25519PrivateKey.generate()
    public = json.loads(OKPAlgorithm.to_jwk(private.public_key()))
    jwks = json.dumps({"keys": [{**public, "kid": "1", "alg": "EdDSA", "use": "sig"}]})
    text = GATEWAY.replace("@jwks@", jwks)
    text = text.replace("@hash@", hashlib.sha256(KEY.encode()).hexdigest())
    (folder / "gateway.yaml").write_text(text)
    policy = folder / "policy.json"
    words = [sys.executable, "-m", "foregate", "xds", "--services", str(policy)]
    subprocess.run([*words, str(folder / "gateway.yaml")], check=True, stdout=subprocess.DEVNULL)
    claims = {"iss": "https://idp.example", "aud": "bench", "sub": "b", "exp": time.time() + 3600}
    return policy, encode(claims, private, "EdDSA", headers={"kid": "1"})


def _pipelines(policy: Path) -> dict[str, str]:
    """The hash of each pipeline by the kind of its identity."""
    found = {}
    for item in Parse(policy.read_text(), Bundle()).items:
        one = Pipeline()
        if item.resource.Unpack(one):
            found[json.loads(one.document)["identities"][0]["kind"]] = one.hash
    return found


def _check(pipeline: str, header: str, value: str) -> bytes:
    request = CheckRequest()
    request.attributes.context_extensions[CONTEXT] = pipeline
    http = request.attributes.request.http
    for name, text in ((":method", "GET"), (":path", "/"), (":authority", "a"), (header, value)):
        http.header_map.headers.add(key=name, raw_value=text.encode())
    return request.SerializeToString()


def _limit(policy: Path) -> bytes:
    request = RateLimitRequest(domain="foregate")
    for item in Parse(policy.read_text(), Bundle()).items:
        limits = LimitSet()
        if item.resource.Unpack(limits):
            request.descriptors.add().entries.add(key="limit", value=limits.limits[0].id)
    return request.SerializeToString()


def _measured(
    service: str, policy: Path, folder: Path, method: str, request: bytes
) -> tuple[float, float]:
    """Run a service on a policy file; give µs of its CPU a call, and calls per second."""
    port = free_port()
    words = [sys.executable, "-m", "foregate", service, "--policy", str(policy)]
    words += ["--listen", f"127.0.0.1:{port}", "--admin", "", "--state-dir", str(folder / service)]
    child = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        return asyncio.run(
            _driven(f"127.0.0.1:{port}", method, request, lambda: cpu_seconds(child.pid))
        )
    finally:
        child.terminate()
        child.wait(10)


async def _driven(
    address: str, method: str, request: bytes, cpu: Callable[[], float]
) -> tuple[float, float]:
    async with grpc.aio.insecure_channel(address) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        await call(request, wait_for_ready=True, timeout=20)

        async def worker(count: int) -> None:
            for _ in range(count):
                await call(request, timeout=5)

        async def burst(count: int) -> None:
            await asyncio.gather(*(worker(count // AT_ONCE) for _ in range(AT_ONCE)))

        await burst(CALLS // 4)
        before, began = cpu(), time.perf_counter()
        await burst(CALLS)
        return (cpu() - before) / CALLS * 1e6, CALLS / (time.perf_counter() - began)
