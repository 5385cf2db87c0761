"""Curl lines as the requests that they send; where that is not known it is told."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.explaining.request import Request
from foregate.curlline import sent
from foregate.sending import Sent, UnreadError, addressed

OWN = (("user-agent", "curl/8.0.0"), ("accept", "*/*"))


def read(line: str) -> Request:
    return sent((line,)).request


@pytest.mark.parametrize(
    ("line", "method", "host", "target", "headers"),
    [
        ("curl a.test", "GET", "a.test", "/", OWN),
        ("curl http://a.test:80/x?y#z", "GET", "a.test", "/x?y", OWN),
        ("curl https://a.test:443/x", "GET", "a.test", "/x", OWN),
        ("curl https://a.test:80", "GET", "a.test:80", "/", OWN),
        ("curl a.test?x=1", "GET", "a.test", "/?x=1", OWN),
        ("curl -I --url a.test/x", "HEAD", "a.test", "/x", OWN),
        ("curl -sSXPUT a.test", "PUT", "a.test", "/", OWN),
        ("curl -g 'a.test/{x}'", "GET", "a.test", "/{x}", OWN),
        ("curl 'http://[::1]:8080/x'", "GET", "[::1]:8080", "/x", OWN),
        ("curl -H 'Host: b.test' a.test", "GET", "b.test", "/", OWN),
        ("curl -H accept: -A '' -H 'X-A: 1' a.test", "GET", "a.test", "/", (("x-a", "1"),)),
        (
            "curl -H 'x-a;' -H 'x-a: 2' a.test",
            "GET",
            "a.test",
            "/",
            (*OWN, ("x-a", ""), ("x-a", "2")),
        ),
        ("curl -b a=1 -b b=2 a.test", "GET", "a.test", "/", (*OWN, ("cookie", "a=1; b=2"))),
        ("curl -u a:b a.test", "GET", "a.test", "/", (*OWN, ("authorization", "Basic YTpi"))),
        ("curl a:b@a.test", "GET", "a.test", "/", (*OWN, ("authorization", "Basic YTpi"))),
        (
            "curl -G -d a=1 --data-urlencode 'b=x y' a.test/?c",
            "GET",
            "a.test",
            "/?c&a=1&b=x%20y",
            OWN,
        ),
        ("curl --request-target /b a.test/a", "GET", "a.test", "/b", OWN),
        ("curl -o /dev/null -w '%{http_code}' -m 5 a.test", "GET", "a.test", "/", OWN),
    ],
)
def test_a_line(
    line: str, method: str, host: str, target: str, headers: tuple[tuple[str, str], ...]
) -> None:
    expected = Request(method=method, host=host, target=target, headers=headers)
    assert read(line) == expected
    assert sent(shlex.split(line)).request == expected


def test_a_body_is_posted_with_its_kind_and_length() -> None:
    request = read("curl -d a=1 -d b=2 a.test")
    assert request.method == "POST"
    assert dict(request.headers)["content-type"] == "application/x-www-form-urlencoded"
    assert dict(request.headers)["content-length"] == "7"
    said = dict(read("""curl --json '{"a": 1}' a.test""").headers)
    assert (said["content-type"], said["accept"]) == ("application/json", "application/json")
    assert read("curl -X PATCH -d x -H 'content-type: text/plain' a.test").method == "PATCH"


def test_a_file_of_data_is_not_read() -> None:
    found = sent(("curl", "-d", "@/etc/passwd", "a.test"))
    assert "content-length" not in dict(found.request.headers)
    assert found.notes == ("a file is not read: the length of the body is not known",)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("curl", "no address"),
        ("wget a.test", "a curl line is one word or many"),
        ("curl 'a.test", "a quote is not closed"),
        ("curl a.test b.test", "one address is explained at a time"),
        ("curl --cooki x a.test", "did you mean --cookie?"),
        ("curl -Z a.test", "-Z is not known here"),
        ("curl a.test -H", "-H wants a value"),
        ("curl -H x a.test", "'x' is no header"),
        ("curl -b jar a.test", "file of cookies"),
        ("curl 'a.test/{x,y}'", "add -g"),
        ("curl ftp://a.test", "'ftp' is no scheme"),
        ("curl -0 a.test", "426"),
        ("curl -G -d @x a.test", "the data is in a file"),
    ],
)
def test_what_is_not_known_is_told(line: str, said: str) -> None:
    with pytest.raises(UnreadError, match=said.replace("?", r"\?")):
        read(line)


@given(st.lists(st.text(alphabet="-HXdGgub:;@=a/.{}[] #?%", max_size=8), max_size=6))
def test_no_line_is_too_odd(words: list[str]) -> None:
    try:
        found: Sent | None = sent(("curl", *words))
    except UnreadError:
        found = None
    assert found is None or found.request.target.startswith("/")


def test_a_method_and_an_address_send_nothing_more() -> None:
    found = addressed("PURGE", "http://a.test:80/x?y#z", ["X-A: 1", "x-a:", "host: b"])
    headers = (("x-a", "1"), ("x-a", ""))
    assert found.request == Request(method="PURGE", host="b", target="/x?y#z", headers=headers)
