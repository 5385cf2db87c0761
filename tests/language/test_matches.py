"""What headers and parameters must be: how it is written, and which values it takes."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from language.matches import HeaderMatches, How, ParameterMatches, TextMatch, exact
from language.scalars import Quoted

HEADERS: TypeAdapter[dict[str, TextMatch]] = TypeAdapter(HeaderMatches)
PARAMETERS: TypeAdapter[dict[str, TextMatch]] = TypeAdapter(ParameterMatches)


@pytest.mark.parametrize(
    ("written", "wanted", "taken", "others"),
    [
        ("a", exact("a"), ["a"], ["A", "ab", "", None]),
        ({"prefix": "a"}, TextMatch(How.PREFIX, "a"), ["a", "ab"], ["ba", "", None]),
        ({"regex": "a|b+"}, TextMatch(How.REGEX, "a|b+"), ["a", "bb"], ["ab", "", None]),
        ({"present": "true"}, TextMatch(How.PRESENT), ["", "a"], [None]),
        ({"present": "false"}, TextMatch(How.ABSENT), [None], ["", "a"]),
    ],
)
@pytest.mark.parametrize("adapter", [HEADERS, PARAMETERS])
def test_a_match_takes_what_is_wanted(
    adapter: TypeAdapter[dict[str, TextMatch]],
    written: Any,
    wanted: TextMatch,
    taken: list[str | None],
    others: list[str | None],
) -> None:
    (found,) = adapter.validate_python({"x": written}).values()
    assert found == wanted
    assert all(found.takes(value) for value in taken)
    assert not any(found.takes(value) for value in others)


@pytest.mark.parametrize(
    ("written", "at", "below", "offset"),
    [
        ({"prefx": "a"}, "prefx", False, 0),
        ({"prefix": "a", "regex": "b"}, "regex", False, 0),
        ({"prefix": ""}, "prefix", True, 0),
        ({"regex": "a(?=b)"}, "regex", True, 1),
        ({"regex": "a||b"}, "regex", True, 2),
        ({"regex": ".*"}, "regex", True, 0),
        ({"regex": "^(.*)$"}, "regex", True, 0),
        ({"present": Quoted("true")}, "present", True, 0),
        ({"present": "yes"}, "present", True, 0),
        ({"prefix": "a b"}, "prefix", True, 1),
        ({}, None, False, 0),
        (["a"], None, False, 0),
    ],
)
def test_a_mistake_is_told_at_its_place(
    written: Any,
    at: str | None,
    below: bool,  # noqa: FBT001 # a column of the table
    offset: int,
) -> None:
    with pytest.raises(ValidationError) as error:
        PARAMETERS.validate_python({"x": written})
    context = error.value.errors()[0]["ctx"]
    assert (context["at"], context["below"], context["offset"]) == (at, below, offset)


def test_names_of_headers_have_no_case() -> None:
    assert HEADERS.validate_python({"X-A": "1"}) == {"x-a": exact("1")}
    with pytest.raises(ValidationError):
        HEADERS.validate_python({"X-A": "1", "x-a": "2"})


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (exact("a"), "a"),
        (TextMatch(How.PREFIX, "a"), "{prefix: a}"),
        (TextMatch(How.REGEX, "a+"), "{regex: a+}"),
        (TextMatch(How.PRESENT), "{present: true}"),
        (TextMatch(How.ABSENT), "{present: false}"),
    ],
)
def test_it_is_shown_as_it_is_written(wanted: TextMatch, shown: str) -> None:
    assert wanted.shown == shown
