"""A result goes over the wire and comes back as it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.selection.chosen import FileState, FileView
from foregate.applying.change import Result, State
from foregate.resultpage import ResultError, read, record
from language.mistakes import Mistake
from language.places import Place

TEXT = st.text(max_size=20)
PLACES = st.builds(Place, TEXT, st.integers(1, 99), st.integers(1, 99))
STATES: st.SearchStrategy[State] = st.sampled_from(
    ["live", "waiting", "unchanged", "held", "refused"]
)
FILE_STATES: st.SearchStrategy[FileState] = st.sampled_from(["current", "last good", "not served"])
RESULTS = st.builds(
    Result,
    state=STATES,
    number=st.none() | st.integers(1, 2**53),
    content=TEXT,
    mistakes=st.lists(
        st.builds(Mistake, place=PLACES, message=TEXT, severity=st.sampled_from(["error"]))
    ).map(tuple),
    warnings=st.lists(TEXT).map(tuple),
    files=st.lists(st.builds(FileView, name=TEXT, home=TEXT, state=FILE_STATES)).map(tuple),
)


@given(RESULTS)
def test_it_comes_back_as_it_was(result: Result) -> None:
    page = record(result, {})
    assert read(json.dumps(page).encode()) == page
    assert all(line.isprintable() for line in page["report"].split("\n"))
    assert all(line.isprintable() for line in page["warnings"])
    behind = any(one.state != "current" for one in result.files)
    done = result.state in {"live", "unchanged"}
    assert page["ok"] == (done and not behind and not result.mistakes)


def test_warnings_leave_it_well() -> None:
    warning = Mistake(place=Place("a", 1, 1), message="look", severity="warning")
    assert record(Result(state="live", number=1, content="c", mistakes=(warning,)), {})["ok"]


GOOD = record(Result(state="live", number=1, content="c"), {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"ok": 1},
        {"state": "great"},
        {"version": 0},
        {"version": "1"},
        {"content": None},
        {"files": [{"file": "a", "state": "other"}]},
        {"files": None},
        {"mistakes": [{"file": "a"}]},
        {"warnings": [1]},
        {"report": []},
    ],
)
def test_what_is_none_is_refused(wrong: dict[str, object]) -> None:
    assert read(json.dumps({**GOOD, "later": 1}).encode())
    with pytest.raises(ResultError):
        read(json.dumps({**GOOD, **wrong}).encode())
