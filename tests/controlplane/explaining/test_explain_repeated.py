"""Repeated headers: the page lists those that a real Envoy joins by a comma."""

import asyncio
import re
from pathlib import Path

from controlplane.build import Options, build
from controlplane.explaining.arriving import JOINED
from controlplane.explaining.request import Request
from controlplane.sources import SourceFile
from tests.controlplane.explaining.answering_envoy import answering
from tests.controlplane.explaining.asking_envoy import asked
from tests.controlplane.explaining.random_requests import wire
from tests.e2e.process import ROOT

APART = (
    *("accept-language", "cookie", "forwarded", "from", "if-schedule-tag-match", "link", "prefer"),
    *("priority", "range", "sec-fetch-mode", "traceparent", "warning", "x-a", "x-api-key"),
    *("x-forwarded-prefix", "x-real-ip"),
)
"""Some that Envoy keeps as they were sent."""


def test_headers_that_are_joined(tmp_path: Path) -> None:
    names = sorted((*JOINED, *APART))
    text = "version: 1\nlisten: {trustedHops: 1}\ndefaults: {auth: none}\n"
    text += "backends: {one: {endpoints: ['127.0.0.1:9']}}\nroutes:\n"
    for name in names:
        text += f"  - {{path: /{name}, headers: {{{name}: {{prefix: 'a,b'}}}}, to: one}}\n"
    built = build((SourceFile(name="gateway.yaml", data=text.encode()),), Options())
    assert built.snapshot is not None, built.mistakes
    made = built.snapshot

    def request(name: str) -> Request:
        headers = ((name, "a"), (name, ""), (name, "b"))
        return Request(method="GET", host="a.test", target=f"/{name}", headers=headers)

    async def answers() -> list[int]:
        messages = [wire(request(name)) for name in names]
        async with answering(tmp_path, made) as port:
            found = await asyncio.to_thread(lambda: list(asked(port, messages)))
        return [one.status for one in found]

    statuses = dict(zip(names, asyncio.run(answers()), strict=True))
    assert {name for name, status in statuses.items() if status == 200} == JOINED


def test_the_page_lists_them() -> None:
    page = (ROOT / "docs" / "routing.md").read_text()
    listed = page.partition("These are `")[2].partition(". Of a parameter")[0]
    assert set(re.findall("[a-z-]{2,}(?=`)", listed)) == JOINED
