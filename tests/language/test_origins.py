"""Origins: which ones a wildcard takes, and which are never written by a browser."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from language.origins import Origin, OriginText

READ: TypeAdapter[Origin] = TypeAdapter(OriginText)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
BASE = "example.com"


@pytest.mark.parametrize(
    "text",
    [
        *("*", "null", "https://a.example.com", "http://localhost:3000", "https://[::1]:8443"),
        *("http://10.0.0.1", "https://*.example.com", "http://*.localhost:3000"),
        *("chrome-extension://abcdefghijkl", "https://a_b.example.com"),
    ],
)
def test_what_browsers_write_is_read(text: str) -> None:
    assert READ.validate_python(text) == Origin(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a.example.com",
            "https://",
            "https:///a",
            "//a.example.com",
            "https://a.example.com/",
        ),
        *("https://A.example.com", "HTTPS://a.example.com", "https://a.example.com:443"),
        *("http://a:80", "https://a:", "https://a:0", "https://a:01", "https://a:65536"),
        *("https://u@a.example.com", "https://a.example.com?x", "https://a.example.com#x"),
        *("https://*", "https://*.", "https://*.com", "https://*a.example.com", "*.example.com"),
        *("https://a.*.com", "https://*.*.example.com", "https://*.1.2.3.4", "https://*.[::1]"),
        *("https://a.example.com https://b.example.com", "Null", "https://ä.example.com"),
        *("https://[0::1]", "https://256.0.0.1", "https://a.example.com\n"),
    ],
)
def test_what_no_browser_writes_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python(text)


@given(st.lists(LABEL, min_size=1, max_size=3))
def test_a_wildcard_takes_one_label_or_more(labels: list[str]) -> None:
    below = f"https://{'.'.join(labels)}.{BASE}"
    assert Origin(f"https://*.{BASE}").takes(below)
    assert Origin(f"https://*.{BASE}").holds(Origin(below))
    assert not Origin(f"https://*.{BASE}").takes(f"https://{BASE}")
    assert not Origin(f"https://*.{BASE}").takes(f"{below}.evil.net")
    assert not Origin(f"https://*.{BASE}").takes(below.replace(f".{BASE}", BASE))
    assert not Origin(f"https://*.{BASE}").takes(f"{below}:8443")
    assert not Origin(f"https://*.{BASE}").takes(below.replace("https", "http"))
    assert Origin(f"https://*.{BASE}:8443").takes(f"{below}:8443")


@given(st.text(alphabet="abxmple.co:/@?#\\\n-_ A0", max_size=30))
def test_a_wildcard_takes_nothing_else(middle: str) -> None:
    text = f"https://{middle}.{BASE}"
    hosts = re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", middle) is not None
    assert Origin(f"https://*.{BASE}").takes(text) == hosts


def test_what_holds_what() -> None:
    exact, below, deeper = (
        Origin(f"https://{name}")
        for name in ("a.b.example.com", "*.example.com", "*.b.example.com")
    )
    assert all(Origin("*").holds(one) for one in (exact, below, deeper, Origin("null")))
    assert below.holds(deeper)
    assert below.holds(exact)
    assert deeper.holds(exact)
    assert not deeper.holds(below)
    assert not exact.holds(deeper)
    assert not below.holds(Origin("*"))
    assert not below.holds(Origin("null"))
    assert not Origin("https://*.example.org").holds(below)
