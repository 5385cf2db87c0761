"""Scalars: texts to numbers, durations, hosts and names, and back where they are refused."""

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from language.durations import Milliseconds
from language.fields import HeaderName, Headers, Method, Parameter, ParameterValue
from language.hosts import Authority, Host, OneHost
from language.scalars import UNIQUE, Line, Name, Percent, Quoted, Text, codes, integer, words


def read(wanted: Any, value: object) -> Any:
    return TypeAdapter(wanted).validate_python(value)


def refused(wanted: Any, value: object) -> dict[str, Any]:
    with pytest.raises(ValidationError) as error:
        read(wanted, value)
    context = error.value.errors()[0]["ctx"]
    assert context["message"]
    return context


@given(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_durations(number: int, unit: str) -> None:
    milliseconds = number * {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[unit]
    text = f"{number}{unit}"
    if 1 <= milliseconds <= 365 * 86_400_000:
        assert read(Milliseconds, text) == milliseconds
    else:
        assert "out of range" in refused(Milliseconds, text)["message"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("3", "write 3s or 3ms"),
        ("3 s", "write 3s"),
        ("3sec", "write 3s"),
        ("5min", "write 5m"),
        ("2 Hours", "write 2h"),
        ("10msec", "write 10ms"),
        ("1.5s", "write 300ms, 3s, 5m, 1h or 1d"),
        ("-1s", "write 300ms, 3s, 5m, 1h or 1d"),
        ("3w", "write 300ms, 3s, 5m, 1h or 1d"),
    ],
)
def test_a_duration_that_was_meant(text: str, hint: str) -> None:
    assert refused(Milliseconds, text)["hint"] == hint


SMALL = Annotated[int, *integer(1, 10)]


@pytest.mark.parametrize(
    "text", ["0", "11", "01", "+1", "1.0", "1e1", "0x1", "1_0", "", "one", "\u0661"]
)
def test_a_number_is_digits_within_bounds(text: str) -> None:
    assert "10" in refused(SMALL, text)["hint"]


def test_a_number_in_quotes_is_a_text() -> None:
    assert read(SMALL, "7") == 7
    assert refused(SMALL, Quoted("7"))["hint"] == "leave the quotes out"
    assert refused(Annotated[int, *codes("a code", 301)], Quoted("301"))["hint"] == (
        "leave the quotes out"
    )
    assert read(Annotated[int, *codes("a code", 301)], "301") == 301


@pytest.mark.parametrize(
    "wanted",
    [
        SMALL,
        Milliseconds,
        Percent,
        Line,
        Text,
        Name,
        Method,
        Host,
        Annotated[str, *words("w", "a")],
    ],
)
@pytest.mark.parametrize("value", [["a"], {"a": "b"}])
def test_one_value_is_no_list_and_no_mapping(wanted: Any, value: object) -> None:
    context = refused(wanted, value)
    assert "one value is wanted" in context["message"]
    assert context["hint"]


@pytest.mark.parametrize("text", ["no", "0777", "1.10", "22:22", "2024-01-01", "on"])
def test_text_stays_what_was_written(text: str) -> None:
    assert read(Text, text) == text
    assert read(Line, text) == text


@pytest.mark.parametrize(
    ("text", "offset"), [("a\nb", 1), ("ü", 0), ("a\x00", 1), ("a\x7f", 1), (" a", 0), ("a ", 0)]
)
def test_a_line_is_printable(text: str, offset: int) -> None:
    assert refused(Line, text)["offset"] == offset


@pytest.mark.parametrize(
    ("text", "hint"), [("50", "write 50%"), ("101%", ""), ("1.5%", ""), ("", "")]
)
def test_percentages(text: str, hint: str) -> None:
    assert hint in refused(Percent, text)["hint"]
    assert read(Percent, "0%") == 0
    assert read(Percent, "100%") == 100


@pytest.mark.parametrize(
    "text",
    ["api.example.com", "*.example.com", "*", "10.0.0.1", "[::1]", "a_b", "localhost", "123"],
)
def test_hosts_that_arrive(text: str) -> None:
    assert read(Host, text) == text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("API.example.com", "api.example.com"),
        ("a:80", "write a:"),
        ("http://a/b", "write a"),
        ("*a", "*.example.com"),
        ("a.*", "*.example.com"),
        ("*.*.a", "*.example.com"),
        ("a..b", "labels"),
        ("a.", "write a"),
        ("ü.b", "xn--"),
        ("::1", "[::1]"),
        ("[0::1]", "[::1]"),
        ("[zz]", ""),
        ("-a", "labels"),
        ("a" * 64, "labels"),
        ("a b", "labels"),
    ],
)
def test_hosts_that_never_arrive(text: str, hint: str) -> None:
    assert hint in refused(Host, text)["hint"]


def test_one_host_is_no_wildcard() -> None:
    assert read(OneHost, "a.b") == "a.b"
    assert "wildcard" in refused(OneHost, "*.a")["message"]
    assert refused(OneHost, "a:80")["hint"] == "write host: a, port: 80"
    for text in ("a", "a:80", "[::1]:80", "10.0.0.1:65535"):
        assert read(Authority, text) == text
    for text in ("a:0", "a:99999", "http://a", "a b", "*", "::1:80", "a:"):
        assert refused(Authority, text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("get", "write GET"),
        ("PSOT", "did you mean POST?"),
        ("*", "write one of GET"),
        ("TRACE", "leave it out"),
        ("m-search", "leave it out"),
        ("M-SEARCH", "leave it out"),
        ("mSearch", "write MSEARCH"),
        ("GET ", "did you mean GET?"),
    ],
)
def test_methods(text: str, hint: str) -> None:
    assert hint in refused(Method, text)["hint"]
    assert read(Method, "PROPFIND") == "PROPFIND"


@pytest.mark.parametrize("text", ["x_a", ":path", "a b", "", "x:", "ü"])
def test_names_of_headers(text: str) -> None:
    assert refused(HeaderName, text)
    assert read(HeaderName, "X-Api-Version") == "x-api-version"


def test_headers_have_no_twins() -> None:
    assert read(Headers, {"X-A": "1", "b": "2"}) == {"x-a": "1", "b": "2"}
    assert refused(Headers, {"X-A": "1", "x-a": "2"})["at"] == "x-a"
    unique = Annotated[list[HeaderName], UNIQUE]
    assert refused(unique, ["a", "b", "A"])["at"] == 2
    assert read(unique, ["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize(("text", "escape"), [("a b", "%20"), ("a&b", "%26"), ("a+ü", "")])
def test_parameters_are_compared_as_they_are_sent(text: str, escape: str) -> None:
    assert escape in refused(ParameterValue, text)["hint"]
    assert escape in refused(Parameter, text)["hint"]
    assert read(ParameterValue, "a=b") == "a=b"
    assert refused(Parameter, "a=b")


def test_words_know_what_was_meant() -> None:
    kind = Annotated[str, *words("a way to balance", "roundRobin", "leastRequest")]
    assert read(kind, "roundRobin") == "roundRobin"
    assert refused(kind, "round_robin")["hint"] == "did you mean roundRobin?"
    assert refused(kind, "x")["hint"] == "write one of roundRobin, leastRequest"
