"""Settings by headers that only a trusted proxy could say."""

import pytest

from controlplane.build import Options, build
from controlplane.sources import SourceFile

HOST = "x-real-ip"


def told(hops: int, head: str, route: str) -> list[tuple[int, str]]:
    text = (
        f"version: 1\nlisten: {{http: 8080, trustedHops: {hops}}}\n{head}"
        f'backends: {{users: {{endpoints: ["10.0.0.1:80", "10.0.0.2:80"]}}, next: "h2c://n:80"}}\n'
        f"routes:\n  - {{path: /a, auth: none, {route}}}\n  - {{path: /b, auth: none, to: next}}\n"
    )
    made = build((SourceFile(name="gateway.yaml", data=text.encode()),), Options())
    return [(one.place.line, one.message) for one in made.mistakes]


@pytest.mark.parametrize(
    ("head", "route", "line"),
    [
        ("", f"headers: {{{HOST}: a}}, to: users", 5),
        ("", f"sticky: {{header: {HOST}}}, to: {{users: 50, next: 50}}", 5),
        (f"defaults: {{backend: {{balance: {{maglev: {{header: {HOST}}}}}}}}}\n", "to: users", 3),
    ],
)
def test_they_are_told_once_where_no_proxy_is_trusted(head: str, route: str, line: int) -> None:
    message = f"a client's '{HOST}' never arrives: no proxy before this is trusted"
    assert told(0, head, route) == [(line, message)]
    assert told(1, head, route) == []


@pytest.mark.parametrize("name", [HOST, "x-request-id", "x-foregate-user"])
def test_a_page_may_send_them(name: str) -> None:
    """A browser would refuse it the whole request: that they do not arrive is no reason."""
    route = f'cors: {{origins: ["https://a.test"], headers: [{name}]}}, to: users'
    assert told(0, "", route) == []
