"""Every golden case of a difference."""

import os

import pytest

from foregate.diffmarkdown import markdown
from tests.controlplane.difference.differing import Case, cases, found, rewrite, said

CASES = cases()
each_case = pytest.mark.parametrize("case", CASES, ids=[case.path.stem for case in CASES])


@each_case
def test_a_case_is_told_as_expected(case: Case) -> None:
    one = found(case.before, case.after)
    if os.environ.get("REWRITE_CASES"):
        rewrite(case, one)
        return
    assert said(one) + "\n" == case.text
    assert (one.same, bool(one.weakenings)) == (case.same, case.weaker)


@each_case
def test_nothing_differs_from_itself(case: Case) -> None:
    for side in (case.before, case.after):
        one = found(side, side)
        assert one.same
        assert not one.routes


@each_case
def test_a_comment_holds_what_a_terminal_does(case: Case) -> None:
    one = found(case.before, case.after)
    comment = markdown(one)
    for weakening in one.weakenings:
        assert weakening.what in comment
    assert "\n\n\n" not in comment


def test_there_are_cases_and_each_says_what_it_is_about() -> None:
    assert len(CASES) >= 40
    assert len({c.about for c in CASES}) == len(CASES)
    assert all(c.about.endswith(".") for c in CASES)
