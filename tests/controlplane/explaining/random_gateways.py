"""Gateways drawn at random, so small of vocabulary that their routes meet in every way."""

import random
from collections.abc import Generator, Iterator

from controlplane.build import Build, Options, build
from controlplane.compile.options import Layout
from controlplane.sources import SourceFile
from language.mistakes import errors
from tests.controlplane.small_pages import in_pages

WORDS = ("a", "b", "ab", "A", "a.b", "v1", "%20", "%C3%A9", "x~y", "b+c", "(a)", "a:b", "1")
EXPRESSIONS = (
    *("/a/[0-9]+", "/(a|b)/.*", r"/.*\.b", "/a.*", "(?i)/ab", "/[^/]+/b?", "/+", "/|/a", ".*b"),
    *(
        "/a%20b",
        "/%C3%A9.*",
        "(/[a-z]+)*",
        "/a{1,3}",
        r"/a\b.*",
        r"/ab?\b(/.*)?",
        r"/\w+/\d",
        "/v1/(a|b|)",
    ),
)
HOSTS = (
    *("api.example.com", "eu.example.com", "*.example.com", "*.eu.example.com", "*.com", "*"),
    *("[::1]", "10.0.0.1", "other.test"),
)
HEADERS = ("x-a", "x-b", "accept", "authorization", "cookie", "x-forwarded-proto")
PARAMETERS = ("a", "b", "A", "a.b")
VALUES = ("1", "2", "12", "1,2", "a b", "")
PROTOCOLS = ("http", "https", "HTTPS", "ftp")
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PURGE", "DELETE", "PATCH")
_MATCHES = (
    *('"1"', '"2"', '"1,2"', '""', "{prefix: '1'}", "{prefix: '1,'}", "{regex: '[0-9]+'}"),
    *("{regex: '1|2|'}", "{regex: '.*'}", "{regex: '1.2'}", "{present: true}", "{present: false}"),
)
_SERVICES = ("a.S/M", "a.S", "S/M", "v1.S/b")


LARGEST = 3
"""Entries of a page: so few that each host has many, and most requests lie near a border."""


def gateway(seed: int, layout: Layout = "plain", routes: int = 60) -> tuple[str, Build]:
    """A gateway's text, and what it compiles to: lines with a mistake are left out."""
    draw = random.Random(seed)  # noqa: S311 # drawn again from its seed
    head = f"""\
version: 1
listen: {{trustedHops: {draw.randint(0, 1)}}}
{_hosts(draw.sample(HOSTS, draw.randint(1, 4)))}
defaults: {{auth: none, retry: {{attempts: 2, codes: [503]}}}}
backends: {{one: {{endpoints: ["127.0.0.1:9"]}}, two: {{endpoints: ["127.0.0.1:9"]}}}}
routes:
"""
    lines = [_route(draw, number) for number in range(routes)]
    while True:
        text = head + "".join(f"  - {line}\n" for line in lines)
        source = SourceFile(name="gateway.yaml", data=text.encode())
        built = build((source,), Options(layout="plain"))
        wrong = {m.place.line - head.count("\n") - 1 for m in errors(built.mistakes)}
        if not wrong:
            return text, built if layout == "plain" else in_pages(built, Options(), LARGEST)
        lines = [line for number, line in enumerate(lines) if number not in wrong]


def _route(draw: random.Random, number: int) -> str:
    return "{" + ", ".join(_parts(draw, number)) + "}"


def _parts(draw: random.Random, number: int) -> Iterator[str]:
    variable = yield from _path(draw)
    yield f"priority: {number}"  # so that no two conflict
    if draw.random() < 0.2:
        hosts = draw.sample(HOSTS, draw.randint(1, 3))
        yield _hosts(hosts)
    for key, names, chance in (("headers", HEADERS, 0.35), ("query", PARAMETERS, 0.35)):
        if draw.random() < chance:
            named = draw.sample(names, draw.randint(1, 2))
            yield f"{key}: {{{', '.join(f'{n}: {draw.choice(_MATCHES)}' for n in named)}}}"
    yield from _action(draw, variable)


def _hosts(hosts: list[str]) -> str:
    return "hosts: [" + ", ".join(f'"{host}"' for host in hosts) + "]"


def _path(draw: random.Random) -> Generator[str, None, str]:
    """A path or a gRPC method, and methods; returns how a new path names its variable."""
    kind = draw.random()
    if kind < 0.08:
        yield f"grpc: {draw.choice(_SERVICES)}"
        return ""
    if kind < 0.25:
        yield f"path: {{regex: '{draw.choice(EXPRESSIONS)}'}}"
        variable = ""
    else:
        parts = [draw.choice(WORDS) for _ in range(draw.randint(0, 3))]
        variable = ""
        if parts and draw.random() < 0.35:
            parts[draw.randrange(len(parts))] = "{x}"
            variable = "{x}"
        end = draw.choice(("", "", "/", "/**", "/**", "/{rest=**}"))
        variable = "{rest}" if "rest" in end else variable
        text = "".join(f"/{part}" for part in parts) + end
        yield f'path: "{text or "/"}"'
    if draw.random() < 0.5:
        yield f"methods: [{', '.join(draw.sample(METHODS, draw.randint(1, 3)))}]"
    return variable


def _action(draw: random.Random, variable: str) -> Iterator[str]:
    kind = draw.random()
    path = f'path: "/new/{variable}"' if variable else 'path: "/new"'
    if kind < 0.15:
        changes = ("scheme: https", "host: new.test", "port: 8443", path, path)
        code = draw.choice((301, 302, 303, 307, 308))
        yield f"redirect: {{{', '.join(dict.fromkeys(draw.choices(changes, k=2)))}, code: {code}}}"
    elif kind < 0.3:
        yield f"rewrite: {{{path}}}"
        yield "to: one"
    elif kind < 0.4:
        yield "to: {one: 90, two: 10}"
    else:
        yield "to: two"
