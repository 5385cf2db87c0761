"""Which methods arrive: those that may be written are those that a real Envoy takes."""

import asyncio
from pathlib import Path

from controlplane.build import Options, build
from controlplane.explaining.explaining import Explaining
from controlplane.explaining.request import Request
from controlplane.explaining.told import Forwarded, Refusal
from controlplane.sources import SourceFile
from language.fields import METHODS, OTHER_METHODS
from tests.controlplane.explaining.answering_envoy import answering
from tests.controlplane.explaining.asking_envoy import asked
from tests.controlplane.explaining.random_requests import wire

GATEWAY = b"""
version: 1
defaults: {auth: none}
backends: {one: {endpoints: ["127.0.0.1:9"]}}
routes:
  - {path: /x, to: one}
"""

REGISTERED = (
    *("ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "CONNECT", "COPY", "DELETE"),
    *("GET", "HEAD", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL"),
    *("MKREDIRECTREF", "MKWORKSPACE", "MOVE", "OPTIONS", "ORDERPATCH", "PATCH", "POST", "PRI"),
    *("PROPFIND", "PROPPATCH", "PUT", "QUERY", "REBIND", "REPORT", "SEARCH", "TRACE", "UNBIND"),
    *("UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL", "*"),
)
"""The methods that IANA lists (RFC 9110 section 16.1)."""

UNREGISTERED = ("M-SEARCH", "MSEARCH", "NOTIFY", "PURGE", "SOURCE", "SUBSCRIBE", "UNSUBSCRIBE")
MISSPELLED = ("get", "Post", "GETS", "FOO", "M-search")


def test_methods_that_envoy_takes(tmp_path: Path) -> None:
    built = build((SourceFile(name="gateway.yaml", data=GATEWAY),), Options())
    assert built.snapshot is not None
    assert built.plan is not None
    made = built.snapshot
    methods = (*REGISTERED, *UNREGISTERED, *MISSPELLED)
    drawn = [Request(method=one, host="a.test", target="/x") for one in methods]

    async def answers() -> list[int]:
        async with answering(tmp_path, made) as port:
            found = await asyncio.to_thread(lambda: list(asked(port, [wire(r) for r in drawn])))
        return [one.status for one in found]

    statuses = dict(zip(methods, asyncio.run(answers()), strict=True))
    taken = {method for method, status in statuses.items() if status == 200}
    assert taken == {*METHODS, *OTHER_METHODS}
    explaining = Explaining(built.plan)
    for request in drawn:
        outcome = explaining.told(request).outcome
        assert isinstance(outcome, Forwarded | Refusal)
        told = 200 if isinstance(outcome, Forwarded) else outcome.status
        assert told == statuses[request.method], request.method
