"""A document as a model: what it defines, and which of its mistakes stand by themselves."""

import pytest

from controlplane.model.addresses import Address
from controlplane.model.file import read_file
from controlplane.model.gateway import File, Listen
from language.matches import exact
from language.mistakes import Mistake
from language.reader import read
from policies.contract import Action

WHOLE = """version: 1
listen: {http: "127.0.0.1:9000", trustedHops: 2}
hosts: [api.example.com, "*.example.org"]
defaults: {auth: none}
backends:
  plain: http://users
  tls: https://orders.example.com:8443
  list: {endpoints: ["10.0.0.1:80", "[::1]:81"], protocol: h2c}
routes:
  - {path: /a, to: {plain: 90, tls: 10}}
  - {path: "/b/{x}", methods: [GET], headers: {X-A: "1"}, query: {q: "2"}, priority: 3, to: list}
  - {path: /c, redirect: {path: /a}}
  - {path: /d, respond: {status: 200}}
"""


def modelled(text: str, *, gateway: bool | None = True) -> tuple[File, tuple[Mistake, ...]]:
    return read_file(read("gateway.yaml", text.encode()), gateway=gateway)


def told(text: str) -> list[str]:
    return [f"{m.place.line}:{m.place.column} {m.message}" for m in modelled(text)[1]]


def test_a_whole_file() -> None:
    file, mistakes = modelled(WHOLE)
    assert mistakes == ()
    assert file.sound
    assert file.complete
    assert file.listen == Listen(http=Address(host="127.0.0.1", port=9000), trusted_hops=2)
    assert file.hosts == ("api.example.com", "*.example.org")
    assert [p.column for p in file.host_places] == [9, 26]
    assert {b.key.text: (b.protocol, b.authority) for b in file.backends} == {
        "plain": ("http", "users:80"),
        "tls": ("https", "orders.example.com:8443"),
        "list": ("h2c", "list"),
    }
    assert file.backends[2].endpoints == (
        Address(host="10.0.0.1", port=80),
        Address(host="::1", port=81),
    )
    first, second, third, fourth = file.routes
    assert first.match.to == {"plain": 90, "tls": 10}
    assert second.match.headers == {"x-a": exact("1")}
    assert (second.match.priority, second.match.to) == (3, {"list": 100})
    assert (third.action, fourth.action) == (Action.REDIRECT, Action.RESPOND)
    assert [n.text for n in file.references] == ["plain", "tls", "list"]
    assert [(r.place.line, r.place.column) for r in file.routes] == [
        (10, 5),
        (11, 5),
        (12, 5),
        (13, 5),
    ]


def test_what_is_not_written() -> None:
    file, _ = modelled("version: 1\n")
    assert file.listen == Listen(http=Address(host="", port=8080), trusted_hops=0)
    assert file.hosts == ("*",)
    other, mistakes = modelled("defaults: {auth: none}\n", gateway=False)
    assert other.listen is None
    assert mistakes == ()


def test_version_stands_in_one_file() -> None:
    assert [m.message for m in modelled("a: 1\n")[1]] == ["unknown key 'a'", "'version' is missing"]
    assert [m.message for m in modelled("version: 1\n", gateway=False)[1]] == [
        "'version' stands only in gateway.yaml"
    ]
    assert modelled("version: 1\n", gateway=None)[1] == ()


def test_a_file_with_mistakes_is_not_sound_and_keeps_what_is_right() -> None:
    file, mistakes = modelled(
        WHOLE.replace("trustedHops: 2", "trustedHops: x").replace("/c,", "c,")
    )
    assert len(mistakes) == 2
    assert not file.sound
    assert file.listen is None
    assert [r.path.text for r in file.routes] == ["/a", "/b/{x}", "/d"]


@pytest.mark.parametrize(
    "cut", ["retry: {attempts: [", 'headers: {a: "', "methods: *x y", "timeout:3s\n    foo: {"]
)
def test_nothing_is_missing_where_reading_stopped(cut: str) -> None:
    text = (
        "version: 1\nroutes:\n  - path: /a\n    to: a\n    auth: none\n    priority: x\n"
        f"  - path: /b\n    {cut}\n"
    )
    assert not read("f", text.encode()).complete
    assert told(text) == ["6:15 'x' is not a whole number"]


def test_what_the_reader_refused_hides_no_other_mistake() -> None:
    text = (
        "version: 1\ndefaults:\nroutes:\n  - path: /a\n    to: a\n    priority: x\n"
        "  - path:\n    methods: [get]\n    to: a\n"
    )
    assert told(text) == [
        "6:15 'x' is not a whole number",
        "8:15 'get': methods are case-sensitive",
    ]


def test_nothing_is_missing_beside_what_was_refused() -> None:
    text = "version: 1\nroutes:\n  - path: /a\n    methods: [GET]\n    <<: {to: a, auth: none}\n"
    assert len(read("f", text.encode()).mistakes) == 1
    assert told(text) == []
    assert len(told(text.replace("<<: {to: a, auth: none}", "priority: 1"))) == 2


def test_a_place_is_within_its_line() -> None:
    text = 'version: 1\ndefaults: {auth: none}\nroutes:\n  - to: a\n    path: "/a\n      b c"\n'
    assert told(text) == ["5:13 ' ' cannot stand in a path"]
    escaped = text.replace('"/a\n      b c"', '"/\\u0061\\u0061 c"')
    assert told(escaped) == ["5:15 ' ' cannot stand in a path"]
    far = text.replace('"/a\n      b c"', ">-\n      /abcdefghij c")
    assert told(far) == ["5:12 ' ' cannot stand in a path"]


def test_a_route_that_says_too_little_takes_part_in_nothing() -> None:
    file, _ = modelled(
        "version: 1\ndefaults: {auth: none}\nroutes:\n  - {path: /a, methods: [], to: a}\n"
    )
    assert file.routes == ()
    assert [n.text for n in file.references] == ["a"]


def test_a_misspelled_key_is_read_as_it_was_meant() -> None:
    text = (
        "version: 1\ndefaults: {auth: none}\nbakends: {a: {ulr: 'a'}}\n"
        "routes:\n  - {pth: b, too: a}\n"
    )
    assert sorted(told(text)) == [
        "3:1 unknown key 'bakends'",
        "3:15 unknown key 'ulr'",
        "3:20 'a' has no scheme",
        "5:11 a path starts with '/'",
        "5:14 unknown key 'too'",
        "5:6 unknown key 'pth'",
    ]


@pytest.mark.parametrize(
    ("level", "key", "home"),
    [
        ("top", "timeout", "a route, or defaults"),
        ("top", "to", "a route"),
        ("top", "url", "a backend"),
        ("top", "health", "a backend, or defaults.backend"),
        ("top", "http", "listen"),
        ("top", "attempts", "'retry'"),
        ("route", "listen", "the file itself"),
        ("defaults", "hosts", "the file itself or a route"),
        ("route", "caps", "a backend, or defaults.backend"),
        ("route", "status", "'respond'"),
        ("backend", "timeout", "a route, or defaults"),
        ("backend", "path", "a route"),
        ("backend", "ejectFor", "'outlierDetection'"),
        ("defaults", "methods", "a route"),
        ("defaults", "balance", "a backend, or defaults.backend"),
        ("defaults.backend", "retry", "a route, or defaults"),
        ("defaults.backend", "protocol", "a backend"),
    ],
)
def test_a_key_at_the_wrong_level(level: str, key: str, home: str) -> None:
    def at(here: str) -> str:
        return f"{key}: x" if here == level else ""

    text = (
        f"version: 1\n{at('top')}\n"
        f"defaults: {{auth: none, backend: {{balance: leastRequest, {at('defaults.backend')}}}"
        f", {at('defaults')}}}\n"
        f"backends: {{a: {{url: 'http://a', {at('backend')}}}}}\n"
        f"routes:\n  - {{path: /a, to: a, {at('route')}}}\n"
    )
    assert [m.message for m in modelled(text)[1]] == [f"'{key}' belongs to {home}"]
