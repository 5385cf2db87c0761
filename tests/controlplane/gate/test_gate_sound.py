"""Nothing that is compiled for a golden case is unsound: a check that cries wolf stops a fleet."""

import pytest

from controlplane.compile.options import Layout
from controlplane.gate.enforcement import unenforced
from controlplane.gate.soundness import unsound
from tests.controlplane.compile.golden import Case, built, cases


@pytest.mark.parametrize("layout", ["plain", "pages"])
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_case(case: Case, layout: Layout) -> None:
    one = built(case, layout=layout)
    assert one.snapshot is not None
    assert one.plan is not None
    assert unsound(one.snapshot) == ()
    assert unenforced(one.snapshot, one.plan) == []
