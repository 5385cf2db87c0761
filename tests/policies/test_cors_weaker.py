"""When a change of `cors` lets pages do more."""

from dataclasses import replace

import pytest

from language.origins import Origin
from language.paths import parse_pattern
from policies.contract import RouteFacts
from policies.cors.spec import Cors
from policies.cors.weaker import HELD, WEAKER

ONE = Cors(origins=(Origin("https://a.example.com"),), methods=("GET",), headers=("x-a",))
BELOW = replace(ONE, origins=(Origin("https://*.example.com"),))
ANY = replace(ONE, origins=(Origin("*"),))
OPEN = replace(ONE, methods=())


def on(settings: Cors, *methods: str) -> Cors:
    """Settings as they hold on a route of these methods."""
    held = HELD["cors"](settings, RouteFacts(path=parse_pattern("/a"), methods=methods))
    assert isinstance(held, Cors)
    return held


def told(before: Cors | None, after: Cors | None) -> list[str]:
    return [one.what for one in WEAKER["cors"](before, after)]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (None, ONE, "pages of https://a.example.com may ask now"),
        (ONE, BELOW, "pages of https://*.example.com may ask now"),
        (BELOW, ANY, "pages of * may ask now"),
        (ONE, replace(ONE, origins=(Origin("null"),)), "pages of null may ask now"),
        (ONE, replace(ONE, credentials=True), "pages may ask with the user's cookies now"),
        (ONE, replace(ONE, methods=("GET", "PUT")), "pages may use PUT now"),
        (on(OPEN), replace(ONE, methods=("GET", "PUT")), "pages may use PUT now"),
        (on(OPEN, "GET"), on(OPEN, "GET", "PUT"), "pages may use PUT now"),
        (on(ONE), on(OPEN), "pages may use HEAD, POST now"),
        (
            on(replace(ONE, methods=("GET", "PUT")), "GET"),
            on(replace(ONE, methods=("GET", "PUT"))),
            "pages may use PUT now",
        ),
        (ONE, replace(ONE, headers=("x-a", "x-b")), "pages may set x-b now"),
        (ONE, replace(ONE, expose=("x-c",)), "pages may read x-c now"),
        (ONE, None, "which pages may ask is the backend's to say now"),
    ],
)
def test_more_is_weaker(before: Cors | None, after: Cors | None, what: str) -> None:
    assert told(before, after) == [what]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, None),
        (ONE, ONE),
        (ANY, BELOW),
        (BELOW, ONE),
        (ONE, replace(ONE, headers=())),
        (replace(ONE, credentials=True, expose=("x-c",), max_age=1000), ONE),
        (on(OPEN), ONE),
        (on(OPEN, "GET", "PUT"), on(OPEN, "GET")),
    ],
)
def test_less_is_not(before: Cors | None, after: Cors | None) -> None:
    assert told(before, after) == []


def test_nobody_knows_what_the_backend_says() -> None:
    (found,) = WEAKER["cors"](ONE, None)
    assert not found.comparable
