"""`foregate explain` as a user types it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from foregate.main import main

GATEWAY = """\
version: 1
hosts: [a.test, "*.test"]
defaults: {auth: none}
backends: {one: "http://one:80", two: "http://two:80"}
routes:
  - {path: /x/**, to: {one: 90, two: 10}}
  - {path: /x/y, methods: [GET], headers: {x-a: "1", x-b: {prefix: b}}, to: one}
  - {path: /x/y, methods: [GET], query: {q: {present: true}}, to: two}
  - {path: /z, respond: {status: 418, body: "short and stout", headers: {x-pot: tea}}}
  - {path: "/r/{x}", redirect: {path: "/s/{x}", host: b.test}}
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.yaml"
    file.write_text(GATEWAY)
    return file


def explained(gateway: Path, *words: str) -> Result:
    return CliRunner().invoke(
        main, ["explain", "--config", str(gateway), *words], catch_exceptions=False
    )


def told(gateway: Path, *words: str) -> str:
    said = explained(gateway, *words)
    assert said.exit_code == 0, said.stderr
    return said.stdout


def test_why_nearer_routes_lost(gateway: Path) -> None:
    said = told(gateway, "GET", "http://a.test/x/y", "-H", "x-a: 1", "-H", "x-b: c")
    assert "405" not in said
    assert "header x-b is 'c', not {prefix: b}" in said
    assert "no parameter q: {present: true} wanted" in said
    assert said.index("gateway.yaml:7:5") < said.index("gateway.yaml:8:5")
    assert "to one 90%, two 10%" in said


def test_fixed_answers_and_redirects(gateway: Path) -> None:
    said = told(gateway, "curl http://a.test/z")
    assert "418, a fixed answer" in said
    assert "x-pot: tea" in said
    assert "302 to http://b.test/s/1?q" in told(gateway, "GET http://a.test/r/1?q")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("GET", "http://a.test/q"), "404: no route has this path"),
        (("GET", "http://a.tes/x"), "nearest   host a.test"),
        (("GET", "http://b.test/x"), "host      *.test"),
        (("GET", "http://u@b.test/x"), "400: 'u@b.test' is no host"),
        (("CONNECT", "http://a.test/x"), "400: CONNECT wants HOST:PORT, and '/x' is none"),
        (
            ("curl", "-X", "CONNECT", "--request-target", "a.test:80", "a.test"),
            "404: CONNECT is refused",
        ),
        (("GET", "http://a.test/x#y"), "400: a request has no fragment"),
        (("GET", "http://a.test/x%00"), "400: %00 is no part of a path"),
        (("GET", "http://a.test/x", "-H", "a_b: 1"), "400: the header 'a_b' has an underscore"),
        (("GET", "http://a.test/x", "-H", "x-foregate-user: r"), "never counts"),
        (("GET", "http://a.test/x/\x1b[31m"), r"400: '/x/\x1b[31m' is no path"),
    ],
)
def test_answers_of_the_gateway_itself(gateway: Path, words: tuple[str, ...], said: str) -> None:
    found = told(gateway, *words)
    assert said in found
    assert "\x1b" not in found


def test_connect_in_pages(gateway: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREGATE_LAYOUT", "pages")
    words = ("curl", "-X", "CONNECT", "--request-target", "a.test:80", "a.test")
    assert "403: CONNECT is refused" in told(gateway, *words)


def test_callers_of_grpc(gateway: Path) -> None:
    asked = ("POST", "http://a.test/q", "-H", "content-type: application/grpc")
    said = told(gateway, *asked)
    assert "grpc      grpc-status 12 (UNIMPLEMENTED), with the HTTP status 200" in said
    record = json.loads(told(gateway, "-o", "json", *asked))
    assert record["grpc"] == {"status": 12, "name": "UNIMPLEMENTED", "http": 200}
    said = told(gateway, *asked[:-1], "content-type: application/grpc-web")
    assert "grpc-status 12 (UNIMPLEMENTED), with the HTTP status 404" in said
    assert "grpc-status" not in told(gateway, "POST", "http://a.test/q")


def test_the_side_of_sticky_weights(gateway: Path) -> None:
    to = "to: {one: 90, two: 10}"
    gateway.write_text(GATEWAY.replace(to, f"sticky: {{cookie: side}}, {to}"))
    assert "by chance, and the answer sets the cookie side" in told(gateway, "GET http://a.test/x")
    mine = "cookie: side=fc86a65261c43d76"
    said = told(gateway, "GET", "http://a.test/x", "-H", mine)
    assert "to two\n" in said
    assert "side      two, whose cookie side it is" in said
    record = json.loads(told(gateway, "-o", "json", "GET", "http://a.test/x", "-H", mine))
    assert record["outcome"]["to"] == {"two": 100}
    assert record["outcome"]["side"] == "two, whose cookie side it is"


def test_json(gateway: Path) -> None:
    said = json.loads(told(gateway, "-o", "json", "GET", "http://a.test/x/y"))
    assert said["outcome"]["to"] == {"one": 90, "two": 10}
    assert [one["condition"] for one in said["lost"]] == ["header", "query"]
    assert said["lost"][0]["had"] == []
    refused = json.loads(told(gateway, "-o", "json", "GET", "http://a.test/a%2Fb"))
    assert refused["outcome"]["location"] == "/a/b"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("GET",), "add the other word"),
        (("GET", "http://a.test", "-o", "json"), "options before it"),
        (("curl", "-Z", "a.test"), "-Z is not known here"),
    ],
)
def test_what_cannot_be_read_exits_1(gateway: Path, words: tuple[str, ...], said: str) -> None:
    found = explained(gateway, *words)
    assert (found.exit_code, found.stdout) == (1, "")
    assert said in found.stderr


def test_a_gateway_with_errors_exits_1(gateway: Path) -> None:
    gateway.write_text(GATEWAY.replace("to: one}", "to: three}"))
    found = explained(gateway, "GET", "http://a.test/")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "there is no backend 'three'" in found.stderr
    assert "nothing to explain" in found.stderr
