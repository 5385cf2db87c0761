"""Which requests the routes of a file are for."""

from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

from controlplane.model.gateway import File
from controlplane.plan.precedence import Pairs, headers, query, shape
from language.segments import Segment

Match: TypeAlias = tuple[str, tuple[Segment, ...], Pairs, Pairs, str]
"""Host, path, headers, parameters and method; the host is empty where it could not be read, the
method where it is any."""


def matches(file: File) -> dict[Match, str]:
    """Which requests the routes of a file are for, each with the path as it is written."""
    return dict(_of(file))


def _of(file: File) -> Iterator[tuple[Match, str]]:
    for route in file.routes:
        for host, method in product(route.hosts or ("",), route.match.methods or ("",)):
            yield (host, shape(route), headers(route), query(route), method), route.path.text
