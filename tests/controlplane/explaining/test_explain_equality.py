"""What is told of a request is what a real Envoy does with it: random gateways, random requests.

10,000 requests here; `make prove` asks 1,000,000. What a run draws follows from its seeds, which a
failure shows with the gateway and the request.
"""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from controlplane.build import Build
from controlplane.compile.options import Layout
from controlplane.compile.pages.names import NOT_FOUND
from controlplane.explaining.explaining import Explaining
from controlplane.explaining.grpc import heard
from controlplane.explaining.outcome import new_host
from controlplane.explaining.request import Request
from controlplane.explaining.told import Forwarded, Redirected, Refusal, Told
from controlplane.plan.plan import MethodNotAllowed, PlannedRoute
from controlplane.snapshot import SCOPE
from tests.controlplane.explaining.answering_envoy import answering
from tests.controlplane.explaining.asking_envoy import Answer, asked
from tests.controlplane.explaining.random_gateways import gateway
from tests.controlplane.explaining.random_requests import requests, wire

PROVE = bool(os.environ.get("FOREGATE_PROVE"))
GATEWAYS, REQUESTS = (100, 5_000) if PROVE else (5, 1_000)
AT_ONCE = 2_000
SHOWN = 5


@pytest.mark.parametrize("layout", ["plain", "pages"])
@pytest.mark.parametrize("seed", range(GATEWAYS))
@pytest.mark.timeout(600)
def test_explain_and_envoy_agree(seed: int, layout: Layout, tmp_path: Path) -> None:
    text, built = gateway(seed, layout)
    wrong = asyncio.run(_disagreements(tmp_path, seed, built))
    shown = "\n".join(wrong[:SHOWN])
    assert not wrong, f"seed {seed}: {len(wrong)} of {REQUESTS} disagree\n{text}\n{shown}"


async def _disagreements(folder: Path, seed: int, built: Build) -> list[str]:
    assert built.snapshot is not None
    assert built.plan is not None
    explaining = Explaining(built.plan, paged=bool(built.snapshot.of(SCOPE)))
    drawn = list(requests(seed, built.plan, REQUESTS))
    wrong: list[str] = []
    async with answering(folder, built.snapshot) as port:
        for start in range(0, REQUESTS, AT_ONCE):
            batch = drawn[start : start + AT_ONCE]
            messages = [wire(one) for one in batch]
            answers = await asyncio.to_thread(_answers, port, messages)
            for request, answer in zip(batch, answers, strict=True):
                expected = _expected(explaining.told(request))
                if expected != _unpaged(answer):
                    wrong.append(_shown(request, expected, answer))
    return wrong


def _answers(port: int, messages: list[bytes]) -> list[Answer]:
    return list(asked(port, messages))


def _unpaged(answer: Answer) -> Answer:
    """An answer as one table gives it: pages have a rule for what has none."""
    return answer if answer.rule != NOT_FOUND else replace(answer, rule="", path="")


def _expected(told: Told) -> Answer:
    """What the answering Envoy says where Envoy does what is told, also to callers of gRPC."""
    answer = _in_http(told)
    said = told.grpc
    if isinstance(told.outcome, Forwarded) and told.arrived is not None:  # it answers by itself
        kind = told.arrived.headers.get("content-type", ("",))[0]
        said = heard(kind, answer.status, body=False)
    return answer if said is None else replace(answer, status=said.http, grpc=str(said.status))


def _in_http(told: Told) -> Answer:
    out, arrived = told.outcome, told.arrived
    path = location = rule = ""
    if arrived is not None:
        path = arrived.path + ("" if arrived.query is None else f"?{arrived.query}")
    if isinstance(told.winner, PlannedRoute | MethodNotAllowed):
        rule = told.winner.rule
    match out:
        case Refusal():
            seen = path if out.rule else ""
            allow = ", ".join(out.allow)
            return Answer(
                status=out.status, rule=out.rule, path=seen, allow=allow, location=out.location
            )
        case Redirected():
            return Answer(status=out.status, rule=rule, location=out.location)
        case Forwarded():
            assert arrived is not None
            if not out.rewritten:
                return Answer(status=200, rule=rule, path=path)
            location = f"{arrived.scheme}://{new_host(arrived, arrived.scheme, '')}{out.target}"
            return Answer(status=302, rule=rule, location=location)
    raise AssertionError(out)


def _shown(request: Request, expected: Answer, answer: Answer) -> str:
    return f"{request}\n  told:  {expected}\n  Envoy: {answer}"
