"""The authorization service without a transport: what it is served, calls as Envoy makes them."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from envoy.service.auth.v3.external_auth_pb2 import CheckRequest, CheckResponse
from prometheus_client import generate_latest

from extauthz.service import METHOD, make
from policies.auth import pipeline as form
from protos import CONSUMERS, CONSUMERS_NAME, KEYS, PIPELINE
from protos.auth_pb2 import ConsumerSet, KeySet
from protos.auth_pb2 import Pipeline as PipelineMessage
from serving.service import Service, Update
from tests.policies.auth_check.minting import IDP, NOW, PARTNER, Signer, holder_of, jwks, signer

LEFT = 0.1


@dataclass(slots=True)
class FakeFeed:
    """A feed that remembers; `late` are pipelines that come when they are fetched."""

    alone: bool = False
    late: dict[str, bytes] = field(default_factory=dict)
    fetched: list[tuple[str, str, float]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    service: Service | None = None

    async def fetch(self, type_url: str, name: str, within: float) -> bool:
        self.fetched.append((type_url, name, within))
        await asyncio.sleep(0)
        if name not in self.late:
            return False
        assert self.service
        self.service.intake.take(Update(type_url=type_url, changed={name: self.late[name]}))
        return True

    def ask(self, type_url: str, name: str) -> None:
        self.asked.append((type_url, name))


@dataclass(slots=True)
class Clock:
    """Seconds that pass when the test says so."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A service on a fake feed and clock."""

    service: Service
    feed: FakeFeed
    clock: Clock

    def take(self, *updates: Update) -> None:
        for update in updates:
            self.service.intake.take(update)

    def raw(self, body: bytes, left: float = LEFT) -> bytes:
        async def call() -> bytes:
            return await self.service.methods[METHOD](body, left)

        return asyncio.run(call())

    def check(self, request: CheckRequest) -> CheckResponse:
        return CheckResponse.FromString(self.raw(request.SerializeToString()))

    def metrics(self) -> str:
        return generate_latest(self.service.registry).decode()

    def sample(self, name: str, **labels: str) -> float | None:
        return self.service.registry.get_sample_value(name, labels)


def bench(*updates: Update, alone: bool = False) -> Bench:
    feed, clock = FakeFeed(alone=alone), Clock()
    service = make(feed, now=clock, monotonic=clock)
    feed.service = service
    out = Bench(service=service, feed=feed, clock=clock)
    out.take(*updates)
    return out


def message(by: form.Pipeline) -> tuple[str, bytes]:
    text = form.document(by)
    name = form.digest(text)
    return name, PipelineMessage(hash=name, document=text).SerializeToString()


def hash_of(by: form.Pipeline) -> str:
    return message(by)[0]


def pipelines(*by: form.Pipeline, removed: Iterable[str] = ()) -> Update:
    return Update(type_url=PIPELINE, changed=dict(map(message, by)), removed=frozenset(removed))


def consumers(keys: Mapping[str, bytes], scopes: Iterable[str] = ("orders:read",)) -> Update:
    """Consumers by name, with the key of each at the identity `keys`."""
    out = ConsumerSet()
    for name, key in keys.items():
        made = out.consumers.add(name=name).keys.add(identity="keys", scopes=scopes)
        made.sha256 = holder_of(key).sha256
    return Update(type_url=CONSUMERS, changed={CONSUMERS_NAME: out.SerializeToString()})


def key_set(
    source: str, *signers: Signer, fetched_at: float = NOW, use_for: float = 3600, text: bytes = b""
) -> Update:
    body = KeySet(
        source=source, jwks=text or (jwks(*(s.jwk() for s in signers)) if signers else b"")
    )
    body.fetched_at_ms, body.use_for_ms = int(fetched_at * 1000), int(use_for * 1000)
    return Update(type_url=KEYS, changed={source: body.SerializeToString()})


def served(*by: form.Pipeline) -> list[Update]:
    """Everything that a decision needs: acme's key, both issuers' keys, these pipelines."""
    return [
        consumers({"acme": b"acme-key"}),
        key_set(IDP.keys, signer(), signer("ed", "EdDSA"), signer("rs", "RS256")),
        key_set(PARTNER.keys, signer("partner", "EdDSA")),
        pipelines(*by),
    ]


def envoy_call(
    name: str, *headers: tuple[str, bytes], rule: str = "rule-1", method: str = "GET"
) -> CheckRequest:
    """A check as Envoy makes it with `encode_raw_headers`."""
    out = CheckRequest()
    out.attributes.context_extensions.update({form.CONTEXT: name, form.RULE: rule})
    http = out.attributes.request.http
    http.method, http.path, http.host = method, "/v1/orders?a=b", "api.example.com"
    out.attributes.source.address.socket_address.address = "10.0.0.1"
    for key, value in (
        (":authority", b"api.example.com"),
        (":method", method.encode()),
        (":path", b"/v1/orders?a=b"),
        *headers,
    ):
        http.header_map.headers.add(key=key, raw_value=value)
    return out


def denial(response: CheckResponse) -> tuple[int, int]:
    """Code and HTTP status of a denial or fault; whatever lets pass raises."""
    kind = response.WhichOneof("http_response")
    assert kind in {"denied_response", "error_response"}, response
    assert response.status.code != 0
    answer = response.denied_response if kind == "denied_response" else response.error_response
    return response.status.code, answer.status.code


FAULT = (14, 503)


def admits(response: CheckResponse) -> bool:
    """Whether Envoy lets pass (FACTS: any reply with status 0 does)."""
    return response.status.code == 0


def told(response: CheckResponse) -> dict[str, str]:
    """The headers that the upstream is told."""
    return {o.header.key: o.header.value for o in response.ok_response.headers}
