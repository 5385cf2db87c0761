"""Hosts that a wildcard takes too are warned of once, where requests pass the wildcard's routes."""

import pytest

from controlplane.build import Options, build
from controlplane.sources import SourceFile

START = "version: 1\ndefaults: {auth: none}\nbackends: {x: http://x}\nroutes:\n"


def told(*hosts: str) -> list[tuple[int, str, list[int]]]:
    """The routes that are warned of, counted from 1, the host meant, and the others named."""
    text = START + "".join(
        f"  - {{path: /a{n}, to: x, hosts: [{h}]}}\n" for n, h in enumerate(hosts)
    )
    made = build((SourceFile(name="g", data=text.encode()),), Options())
    assert all(m.severity == "warning" for m in made.mistakes)
    return [
        (m.place.line - 4, m.message.split()[3], [p.line - 4 for p in m.also])
        for m in made.mistakes
    ]


def test_the_more_specific_host_is_warned_of_once() -> None:
    assert told("api.example.com", "api.example.com", "'*.example.com'") == [
        (1, "api.example.com", [3])
    ]
    assert told("'*.example.com'", "'*.api.example.com'") == [(2, "*.api.example.com", [1])]


def test_the_nearest_wildcard_is_named() -> None:
    assert told("'*.example.com'", "'*.api.example.com'", "v1.api.example.com") == [
        (2, "*.api.example.com", [1]),
        (3, "v1.api.example.com", [2]),
    ]


@pytest.mark.parametrize(
    "hosts",
    [
        ("api.example.com", "'*'"),
        ("api.example.com", "'*.example.org'"),
        ("example.com", "'*.example.com'"),
        ("api.example.com, '*.example.com'",),
        ("api.example.com, '*.example.com'", "api.example.com"),
        ("myexample.com", "'*.example.com'"),
    ],
)
def test_nothing_is_lost_here(hosts: tuple[str, ...]) -> None:
    assert told(*hosts) == []


def test_a_route_of_the_wildcard_alone_is_lost() -> None:
    assert told("api.example.com, '*.example.com'", "'*.example.com'") == [
        (1, "api.example.com", [2])
    ]
