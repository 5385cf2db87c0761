"""Every golden case of the tree: compiled, read back by another decoder, and shown to Envoy."""

import asyncio
import os

import pytest

from controlplane.compile.options import Layout
from controlplane.gate.proof import proof
from controlplane.gate.validate import Run, validate
from foregate.parts import envoy
from foregate.trust import trust_store
from tests.controlplane.compile.golden import Case, actual, built, cases, rewrite

CASES = cases()
each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@each_case
def test_a_case_becomes_the_resources_it_expects(case: Case) -> None:
    if os.environ.get("REWRITE_CASES"):
        rewrite(case)
        return
    assert actual(case) == case.expect


@pytest.mark.parametrize("layout", ["plain", "pages"])
@each_case
def test_envoy_accepts_a_case(case: Case, layout: Layout) -> None:
    snapshot = built(case, trust_store(), layout).snapshot
    assert snapshot is not None
    bootstrap = proof(snapshot).whole()
    run = asyncio.run(validate(envoy().path, bootstrap, seconds=30, memory=4 << 30))
    assert isinstance(run, Run), run
    assert run.accepted, run.words


def test_a_case_says_in_one_sentence_what_it_is_about() -> None:
    wordless = [c.name for c in CASES if not c.about.endswith(".") or "\n" in c.about.strip()]
    assert not wordless
    alike = {c.about for c in CASES}
    assert len(alike) == len(CASES)
