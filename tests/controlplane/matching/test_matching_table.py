"""Which entry answers a request, in the ways that matches can be written."""

import pytest

from controlplane.matching.condition import asked, condition, pattern, takes
from controlplane.matching.request import Request
from controlplane.matching.table import Table
from controlplane.matching.values import Value, path_of, value_of
from language.automata import UnreadExpressionError
from language.matches import How, TextMatch, exact
from language.relations import meets
from tests.controlplane.difference.differing import built

HEAD = """\
version: 1
defaults: {auth: none}
backends: {users: "http://users:8080"}
routes:
"""
ROUTES = """\
  - {path: /a, headers: {x-v: '1'}, to: users}
  - {path: /a, headers: {x-v: {prefix: v2}}, priority: 1, to: users}
  - {path: /a, query: {q: {present: false}}, methods: [GET], to: users}
  - {path: /a/**, to: users}
  - {path: {regex: "/b/[0-9]+"}, priority: 2, to: users}
  - {path: {regex: "/[bc]/.*"}, priority: 1, to: users}
  - {path: /%C3, to: users}
  - {grpc: shop.Orders, to: users}
"""


def table(routes: str = ROUTES) -> Table:
    plan = built(HEAD + routes).plan
    assert plan is not None
    return Table(plan.hosts[0].entries)


def request(method: str, path: str, query: str = "", **headers: str) -> Request:
    pairs = [one.partition("=") for one in query.split("&") if one]
    return Request(
        method=method,
        path=tuple(path[1:].split("/")),
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        query=tuple((name, value) for name, _, value in pairs),
    )


@pytest.mark.parametrize(
    ("asking", "path", "line"),
    [
        (request("GET", "/a", "q=1", x_v="1"), "/a", 5),
        (request("GET", "/a", "q=1", x_v="v2.1"), "/a", 6),
        (request("GET", "/a", x_v="v1"), "/a", 7),
        (request("GET", "/a", "q="), "/a/**", 8),
        (request("POST", "/a"), "/a/**", 8),
        (request("GET", "/b/12"), "{regex: /b/[0-9]+}", 9),
        (request("GET", "/b/x"), "{regex: /[bc]/.*}", 10),
        (request("GET", "/%c3"), "/%C3", 11),
        (request("POST", "/shop.Orders/List"), "/shop.Orders/{method}", 12),
        (request("GET", "/b"), None, None),
    ],
)
def test_who_answers(asking: Request, path: str | None, line: int | None) -> None:
    made = table()
    position = made.winner(asking)
    if path is None or position is None:
        assert (path, position) == (None, None)
        return
    entry = made.entries[position]
    assert pattern(entry).text == path
    assert f":{line}:" in str(getattr(entry, "route").place)  # noqa: B009 # a route, no 405


def test_a_405_is_for_the_other_methods() -> None:
    made = table("  - {path: /a, methods: [GET, POST], to: users}\n")
    allowed, refused = made.entries
    assert [takes(allowed, m) for m in ("GET", "PUT")] == [True, False]
    assert [takes(refused, m) for m in ("GET", "PUT")] == [False, True]
    assert condition(refused) == ()
    assert made.winner(request("PUT", "/a")) == 1


def test_whom_a_route_can_meet() -> None:
    made = table()
    headed = next(e for e in made.entries if condition(e) == (("header", "x-v", exact("1")),))
    met = {pattern(made.entries[n]).text for n in made.meeting(asked(headed))}
    assert met == {"/a", "/a/**"}
    digits = next(e for e in made.entries if pattern(e).text == "{regex: /b/[0-9]+}")
    met = {pattern(made.entries[n]).text for n in made.meeting(asked(digits))}
    assert met == {
        "{regex: /b/[0-9]+}",
        "{regex: /[bc]/.*}",
        "/%C3",
    }  # two cases: it is not weighed
    assert not asked(digits).exact


PREFIX, PRESENT, ABSENT = TextMatch(How.PREFIX, "ab"), TextMatch(How.PRESENT), TextMatch(How.ABSENT)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (exact("a"), exact("b"), False),
        (exact("abc"), PREFIX, True),
        (exact("a"), PREFIX, False),
        (PREFIX, TextMatch(How.PREFIX, "a"), True),
        (PREFIX, TextMatch(How.PREFIX, "b"), False),
        (PRESENT, ABSENT, False),
        (ABSENT, ABSENT, True),
        (PRESENT, PREFIX, True),
        (exact("12"), TextMatch(How.REGEX, "[0-9]+"), True),
        (exact("x"), TextMatch(How.REGEX, "[0-9]+"), False),
    ],
)
def test_what_two_matches_share(one: TextMatch, other: TextMatch, *, meet: bool) -> None:
    assert meets(one, other) == meets(other, one) == meet


@pytest.mark.parametrize(
    ("wanted", "unwanted", "found"),
    [
        ((), (), Value(None)),
        ((), (ABSENT,), Value("any")),
        ((ABSENT,), (), Value(None)),
        ((ABSENT,), (ABSENT,), None),
        ((PRESENT, ABSENT), (), None),
        ((PRESENT,), (PRESENT,), None),
        ((PREFIX, PRESENT), (), Value("abany")),
        ((PREFIX,), (exact("abany"),), Value("ab")),
        ((PREFIX,), (exact("abany"), exact("ab")), Value("ab0")),
        ((PREFIX, exact("a")), (), None),
        ((exact("abc"),), (PREFIX,), None),
        ((TextMatch(How.REGEX, "a?"), PRESENT), (exact(""),), Value("a")),
        ((TextMatch(How.REGEX, "a b|c"),), (exact("c"),), Value("a b")),
        ((TextMatch(How.REGEX, "a "),), (), None),  # no header ends in a space
    ],
)
def test_what_to_send(
    wanted: tuple[TextMatch, ...], unwanted: tuple[TextMatch, ...], found: Value | None
) -> None:
    assert value_of("header", wanted, unwanted, "any") == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (("/a/.*",), "/a/"),
        (("/[^b]*c",), "/c"),
        (("/(?:/a|b/../c|d)",), "/d"),
        (("//a",), None),
        (("/a/[.]{2}",), None),
        (("[a-z]+",), None),
        (("/x%2Fy",), None),
    ],
)
def test_paths_are_normalised_ones(wanted: tuple[str, ...], found: str | None) -> None:
    assert path_of(wanted) == found


def test_what_is_not_understood_is_not_guessed() -> None:
    with pytest.raises(UnreadExpressionError):
        value_of("query", (TextMatch(How.REGEX, r"\bx"),), (), "any")
