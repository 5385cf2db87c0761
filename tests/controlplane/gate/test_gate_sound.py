"""Nothing that is compiled for a golden case is unsound: a check that cries wolf stops a fleet."""

import pytest

from controlplane.gate.soundness import unsound
from tests.controlplane.compile.golden import Case, built, cases


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    snapshot = built(case).snapshot
    assert snapshot is not None
    assert unsound(snapshot) == ()
