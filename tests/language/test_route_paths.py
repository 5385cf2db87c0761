"""Paths of routes: patterns, and expressions that some path but not every path matches."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from language.paths import PathPattern, parse_pattern, parse_template, regex_pattern
from language.regexes import matches
from language.route_paths import RoutePath
from language.substitutions import fillable, filling_steps, substitution, unchanged

READER: TypeAdapter[PathPattern] = TypeAdapter(RoutePath)


def test_a_text_is_a_pattern_and_a_mapping_an_expression() -> None:
    assert READER.validate_python("/a/**") == parse_pattern("/a/**")
    assert READER.validate_python({"regex": "/a[0-9]"}) == regex_pattern("/a[0-9]")


@pytest.mark.parametrize(
    ("value", "at", "message"),
    [
        ({"regex": "a/b"}, "regex", "no path matches"),
        ({"regex": "0.*"}, "regex", "no path matches"),
        ({"regex": "-.*"}, "regex", "no path matches"),
        ({"regex": ".*"}, "regex", "every path matches this"),
        ({"regex": "^/.*$"}, "regex", "every path matches this"),
        ({"regex": "/a|"}, "regex", "empty"),
        ({"regexp": "/a"}, "regexp", "unknown key"),
        ({"prefix": "/a"}, "prefix", "unknown key"),
        ({}, None, "missing"),
        (["/a"], None, "not a list"),
    ],
)
def test_a_mistake_is_told_at_its_place(value: Any, at: str | None, message: str) -> None:
    with pytest.raises(ValidationError) as error:
        READER.validate_python(value)
    context = error.value.errors()[0]["ctx"]
    assert message in context["message"]
    assert context["at"] == at


@pytest.mark.parametrize("text", [".*png", "(/a|/b)+", "/?a", "(?i)/A.*", "^/a$", r"/\C*"])
def test_what_some_path_may_match_is_taken(text: str) -> None:
    assert READER.validate_python({"regex": text}).regex == text


def test_an_expression_is_no_pattern_with_segments() -> None:
    path = regex_pattern("/a/[^/]+")
    assert path.is_regex
    assert not path.exact
    assert not path.text_alone
    assert path.rest is None
    assert path.variables == ()
    assert path.rank > parse_pattern("/**").rank
    assert path.rank == regex_pattern("/other").rank
    assert path.shape != regex_pattern("/other").shape


def test_a_path_that_an_expression_matched_becomes_a_fixed_one() -> None:
    path, template = regex_pattern("/a/[0-9]+"), parse_template("/b")
    found = substitution(path, template)
    assert matches(found.regex, "/a/12")
    assert found.replacement == "/b"
    assert fillable(path) == ()
    assert filling_steps(path) < 20
    assert not unchanged(path, template)
