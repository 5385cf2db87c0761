"""How callers of gRPC hear our own answers: as a real Envoy says it, in both layouts."""

import asyncio
from pathlib import Path

import pytest

from controlplane.build import Options, build
from controlplane.compile.options import Layout
from controlplane.explaining.explaining import Explaining
from controlplane.explaining.grpc import heard
from controlplane.explaining.request import Request
from controlplane.explaining.told import Forwarded
from controlplane.snapshot import SCOPE
from controlplane.sources import SourceFile
from tests.controlplane.explaining.answering_envoy import answering
from tests.controlplane.explaining.asking_envoy import asked
from tests.controlplane.explaining.random_requests import wire

GATEWAY = b"""
version: 1
hosts: [a.test]
defaults: {auth: none}
backends: {one: {endpoints: ["127.0.0.1:9"]}}
routes:
  - {path: /x, methods: [GET], to: one}
  - {path: /any, to: one}
  - {path: /ws, websocket: true, to: one}
  - {path: /fixed, respond: {status: 418, body: short}}
  - {path: /fine, respond: {status: 200, body: fine}}
  - {path: /bare, respond: {status: 403}}
  - {path: /moved, redirect: {path: /x}}
  - {path: /cors, cors: {origins: ["https://a.test"], methods: [GET]}, to: one}
"""
TARGETS = ("/x", "/nope", "/fixed", "/fine", "/bare", "/moved", "/cors", "/a%2fb", "/%00", "/x#y")
KINDS = (
    *("application/grpc", "application/grpc+json", "application/grpc;a=b", "application/json"),
    *("application/grpc-web", "application/grpc-web-text+proto", "application/grpc-web;a=b"),
)
ASKS = ("origin", "https://a.test"), ("access-control-request-method", "GET")
ELSEWHERE = ("origin", "https://b.test"), ASKS[1]
UPGRADE = ("connection", "upgrade"), ("upgrade", "websocket")


def requests() -> list[Request]:
    drawn: list[tuple[str, str, tuple[tuple[str, str], ...]]] = []
    drawn += [("POST", target, ()) for target in TARGETS]
    drawn += [(method, "/nope", ()) for method in ("HEAD", "GET", "TRACE", "FOO")]
    drawn += [("OPTIONS", "*", ()), ("CONNECT", "a.test:80", ()), ("POST", "x", ())]
    drawn += [("OPTIONS", "/cors", ASKS), ("OPTIONS", "/cors", ELSEWHERE)]
    drawn += [("GET", "/any", UPGRADE), ("GET", "/nope", UPGRADE)]
    return [
        Request(method=m, host="a.test", target=t, headers=(*more, ("content-type", kind)))
        for m, t, more in drawn
        for kind in KINDS
        if more != UPGRADE or "grpc-web" not in kind  # not told
    ]


@pytest.mark.parametrize("layout", ["plain", "pages"])
def test_callers_of_grpc(layout: Layout, tmp_path: Path) -> None:
    source = SourceFile(name="gateway.yaml", data=GATEWAY)
    built = build((source,), Options(layout=layout))
    assert built.snapshot is not None
    assert built.plan is not None
    explaining = Explaining(built.plan, paged=bool(built.snapshot.of(SCOPE)))

    async def answers() -> list[tuple[int, str]]:
        assert built.snapshot is not None
        messages = [wire(one) for one in requests()]
        async with answering(tmp_path, built.snapshot, forwarding=True) as port:
            found = await asyncio.to_thread(lambda: list(asked(port, messages)))
        return [(one.status, one.grpc) for one in found]

    wrong = []
    for request, found in zip(requests(), asyncio.run(answers()), strict=True):
        told = explaining.told(request)
        if isinstance(told.outcome, Forwarded):
            continue
        said = told.grpc
        expected = (told.outcome.status, "") if said is None else (said.http, str(said.status))
        if expected != found:
            wrong.append(f"{request}: told {expected}, Envoy {found}")
    assert not wrong, "\n".join(wrong)


def test_what_a_status_is_called() -> None:
    said = heard("application/grpc", 503, body=False)
    assert said is not None
    assert (said.status, said.name, said.http) == (14, "UNAVAILABLE", 200)
    assert heard("application/json", 503, body=True) is None
