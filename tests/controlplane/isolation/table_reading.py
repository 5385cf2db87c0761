"""A small reading of route tables: which route takes a request, as Envoy would choose it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build
from controlplane.snapshot import ROUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What routes are chosen by."""

    path: str
    method: str = "GET"
    authority: str = "a.b"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


def table_of(build: Build) -> RouteConfiguration:
    """The only table."""
    assert build.snapshot is not None, build.mistakes
    (one,) = build.snapshot.of(ROUTES).values()
    return RouteConfiguration.FromString(one.body)


def taken(host: pb.VirtualHost, request: Request) -> pb.Route | None:
    """The first route of a virtual host that matches."""
    return next((one for one in host.routes if matches(one.match, request)), None)


def matches(match: pb.RouteMatch, request: Request) -> bool:
    """Whether one match takes a request."""
    held = {":method": request.method, ":authority": request.authority, **request.headers}
    return (
        _path(match, request.path)
        and all(_header(one, held) for one in match.headers)
        and all(request.query.get(q.name) == q.string_match.exact for q in match.query_parameters)
    )


def _path(match: pb.RouteMatch, path: str) -> bool:
    kind = match.WhichOneof("path_specifier")
    if kind == "path":
        return path == match.path
    if kind == "prefix":
        return path.startswith(match.prefix)
    if kind == "path_separated_prefix":
        return (path + "/").startswith(match.path_separated_prefix + "/")
    assert kind == "safe_regex"
    return re.fullmatch(match.safe_regex.regex, path) is not None


def _header(one: pb.HeaderMatcher, held: Mapping[str, str]) -> bool:
    value = held.get(one.name)
    regex = one.string_match.safe_regex.regex
    if one.string_match.HasField("safe_regex"):
        found = value is not None and re.fullmatch(regex, value) is not None
    else:
        found = value == one.string_match.exact
    return found != one.invert_match


def requests(matches_of: Iterable[pb.RouteMatch]) -> Iterator[Request]:
    """Requests around some matches: each path, with and without what else is asked for."""
    every = list(matches_of)
    paths = sorted({p for one in every for p in _paths(one)})
    headers = {h.name: h.string_match.exact for m in every for h in m.headers if h.name[0] != ":"}
    query = {q.name: q.string_match.exact for m in every for q in m.query_parameters}
    for path in paths:
        for method in ("GET", "POST", "DELETE", "MSEARCH"):
            for authority in ("a.b", "a,b"):
                for some in ({}, headers):
                    for asked in ({}, query):
                        yield Request(
                            path=path,
                            method=method,
                            authority=authority,
                            headers=some,
                            query=asked,
                        )


def _paths(match: pb.RouteMatch) -> Iterator[str]:
    regex = match.safe_regex.regex
    plain = regex.replace("(?:/.*)?", "/r/s").replace("/.*", "/r/s").replace("[^/]+", "v")
    plain = re.sub(r"\[(.).\]", r"\1", plain)
    text = match.path or match.prefix or match.path_separated_prefix or plain.replace("\\", "")
    yield text
    yield text.rstrip("/") + "/more"
    yield text.rpartition("/")[0] or "/"
