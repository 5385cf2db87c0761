"""Curl lines that try a gateway's routes, from what Envoy is sent."""

import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from envoy.config.route.v3.route_components_pb2 import (
    HeaderMatcher,
    QueryParameterMatcher,
    Route,
    RouteMatch,
)
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.path.match.uri_template.v3.uri_template_match_pb2 import (
    UriTemplateMatchConfig,
)
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from controlplane.snapshot import ROUTES, Snapshot

LINES = 6
WORDS_OF_METHODS = re.compile(r"[A-Z]+(\|[A-Z]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that a route takes."""

    method: str
    host: str
    path: str
    headers: tuple[tuple[str, str], ...]

    def line(self, base: str) -> str:
        """Write it for a shell."""
        words = ["curl"]
        if self.method == "HEAD":
            words.append("-I")
        elif self.method != "GET":
            words += ["-X", self.method]
        fields = (("host", self.host), *self.headers) if self.host else self.headers
        for name, value in fields:
            words += ["-H", f"{name}: {value}"]
        return shlex.join([*words, base + self.path])


def curl_lines(
    snapshot: Snapshot, base: str, served: Collection[str], most: int = LINES
) -> tuple[str, ...]:
    """Write some lines to try; those that surely succeed come first, the plainest before others.

    `served` are the clusters that somebody answers for. A route that no request can be derived for
    (a regular expression, a refusal of ours) is left out.
    """
    found: dict[str, tuple[int, int]] = {}
    for resource in snapshot.of(ROUTES).values():
        for host in RouteConfiguration.FromString(resource.body).virtual_hosts:
            name = _host_of(host.domains[0]) if host.domains else ""
            for route in host.routes:
                sureness = _sureness(route, served)
                call = _call(route.match, name) if sureness is not None else None
                if call is not None and sureness is not None:
                    found.setdefault(call.line(base), (sureness, len(call.headers)))
    return tuple(sorted(found, key=lambda line: found[line])[:most])


def _sureness(route: Route, served: Collection[str]) -> int | None:
    """Rank a route: 0 for an answer that cannot fail, None for one that nobody wants to try."""
    kind = route.WhichOneof("action")
    if kind == "direct_response":
        return 0 if route.direct_response.status < 400 else None
    if kind == "redirect":
        return 1
    if kind != "route":
        return None
    action = route.route
    names = [action.cluster] if action.cluster else []
    names += [one.name for one in action.weighted_clusters.clusters if one.weight.value]
    return 0 if names and all(name in served for name in names) else 2


def _call(match: RouteMatch, host: str) -> Call | None:
    path = _path(match)
    method = "GET"
    headers: list[tuple[str, str]] = []
    for header in match.headers:
        value = _header(header)
        if value is None or header.invert_match:
            return None
        if header.name == ":method":
            method = value
        else:
            headers.append((header.name, value))
    query = [_query(parameter) for parameter in match.query_parameters]
    if path is None or None in query:
        return None
    suffix = "?" + "&".join(part for part in query if part) if query else ""
    return Call(method=method, host=host, path=path + suffix, headers=tuple(headers))


def _path(match: RouteMatch) -> str | None:
    kind = match.WhichOneof("path_specifier")
    if kind == "path":
        return match.path
    if kind == "path_separated_prefix":
        return match.path_separated_prefix
    if kind == "prefix":
        return match.prefix
    template = UriTemplateMatchConfig()
    if kind == "path_match_policy" and match.path_match_policy.typed_config.Unpack(template):
        return "".join(_segments(template.path_template))
    return None


def _segments(template: str) -> Iterator[str]:
    """Fill a template in: a variable of one segment with 1, the rest of a path with a word."""
    for part in re.split(r"(\{[^}]*\}|\*\*|\*)", template):
        if part.startswith(("{", "*")):
            yield "any" if "**" in part else "1"
        else:
            yield part


def _header(header: HeaderMatcher) -> str | None:
    if header.HasField("present_match"):
        return "1" if header.present_match else None
    if not header.HasField("string_match"):
        return None
    regex = header.string_match.safe_regex.regex
    if header.name == ":method" and WORDS_OF_METHODS.fullmatch(regex):
        return regex.partition("|")[0]
    return _text(header.string_match)


def _query(parameter: QueryParameterMatcher) -> str | None:
    if parameter.HasField("present_match"):
        return f"{parameter.name}=1" if parameter.present_match else None
    value = _text(parameter.string_match)
    return None if value is None else f"{parameter.name}={value}"


def _text(match: StringMatcher) -> str | None:
    kind = match.WhichOneof("match_pattern")
    if kind == "exact":
        return match.exact
    return match.prefix if kind == "prefix" else None


def _host_of(domain: str) -> str:
    """Give a host that a domain takes, empty where every host does."""
    name = domain.partition(":")[0]
    return "" if name == "*" else name.replace("*", "any", 1)
