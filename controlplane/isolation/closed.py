"""What answers 503 in the place of what never was good: always at least all that is written.

A closed rule never lets a request go on to the routes behind it: one of them may be open to all.
So each next try matches more than the one before, and nothing is ever left out.
"""

from collections import Counter
from collections.abc import Iterable

from envoy.config.route.v3 import route_components_pb2 as pb

from controlplane.compile.answers import TITLES, problem
from controlplane.compile.halves import unasked_steps
from language.paths import PathPattern
from language.segments import Kind

MARK = "foregate.isolation"
"""The metadata by which a closed route is known: no user can write it."""

CLOSED_HOST = "h-closed"
"""The rule of a virtual host that is closed as a whole."""

STATUS = 503


def closed(rule: str, match: pb.RouteMatch) -> pb.Route:
    """A route that answers 503 with its rule, asks nobody and counts nothing."""
    out = pb.Route(name=rule, match=match)
    out.direct_response.status = STATUS
    out.direct_response.body_format.CopyFrom(problem(TITLES[STATUS], STATUS))
    out.metadata.filter_metadata[MARK].update({"closed": True})
    for step in unasked_steps().values():
        step(out)
    return out


def closed_host(name: str, domains: Iterable[str]) -> pb.VirtualHost:
    """A virtual host that answers 503 to everything."""
    every = closed(CLOSED_HOST, pb.RouteMatch(prefix="/"))
    return pb.VirtualHost(name=name, domains=domains, routes=[every])


def is_closed(routes: Iterable[pb.Route]) -> bool:
    """Whether routes are what this module makes."""
    return all(MARK in route.metadata.filter_metadata for route in routes)


def closures(routes: tuple[pb.Route, ...], path: PathPattern | None) -> tuple[pb.Route, ...]:
    """What the routes of one rule are closed by, each a wider match than the one before.

    First their own match, then its path alone, then all that begins as the path does. `path` is
    what the user wrote, None where nobody knows: then the match itself says how it begins.
    """
    matches = [one.match for one in routes]
    found = [widest(matches), _path_alone(matches)]
    start = _start(path) if path is not None else _common([begins(one) for one in matches])
    found.append(pb.RouteMatch(prefix=start))
    made = [closed(routes[0].name, match) for match in found if match is not None]
    return tuple({one.SerializeToString(deterministic=True): one for one in made}.values())


def widest(matches: Iterable[pb.RouteMatch]) -> pb.RouteMatch | None:
    """The match that takes all that the others take, if it is one of them.

    A policy that makes several routes of one adds conditions on headers to all but the last.
    """
    every = list(matches)
    return next((one for one in every if all(_covers(one, other) for other in every)), None)


def _covers(wide: pb.RouteMatch, narrow: pb.RouteMatch) -> bool:
    return _unconditional(wide) == _unconditional(narrow) and _conditions(wide) <= _conditions(
        narrow
    )


def _unconditional(match: pb.RouteMatch) -> pb.RouteMatch:
    out = pb.RouteMatch()
    out.CopyFrom(match)
    out.ClearField("headers")
    out.ClearField("query_parameters")
    return out


def _conditions(match: pb.RouteMatch) -> Counter[bytes]:
    both = (*match.headers, *match.query_parameters)
    return Counter(one.SerializeToString(deterministic=True) for one in both)


def _path_alone(matches: list[pb.RouteMatch]) -> pb.RouteMatch | None:
    """The path that all of them have, without a condition."""
    found: list[pb.RouteMatch] = []
    for match in matches:
        kind = match.WhichOneof("path_specifier")
        out = pb.RouteMatch()
        if kind == "path":
            out.path = match.path
        elif kind == "prefix":
            out.prefix = match.prefix
        elif kind == "path_separated_prefix":
            out.path_separated_prefix = match.path_separated_prefix
        elif kind == "safe_regex":
            out.safe_regex.CopyFrom(match.safe_regex)
        else:
            return None
        if match.HasField("case_sensitive"):
            out.case_sensitive.CopyFrom(match.case_sensitive)
        found.append(out)
    return found[0] if all(one == found[0] for one in found) else None


def _start(path: PathPattern) -> str:
    """How every path begins that a pattern matches; an escape's hex digits have two cases."""
    out = ""
    for segment in path.fixed:
        if segment.kind is not Kind.LITERAL:
            return out + "/"
        out += "/" + segment.text.partition("%")[0]
        if "%" in segment.text:
            return out
    return out or "/"


def begins(match: pb.RouteMatch) -> str:
    """How every path begins that a match takes, as far as that is known."""
    kind = match.WhichOneof("path_specifier")
    text = "/"
    if match.HasField("case_sensitive") and not match.case_sensitive.value:
        return text
    if kind == "path":
        text = match.path
    elif kind == "prefix":
        text = match.prefix
    elif kind == "path_separated_prefix":
        text = match.path_separated_prefix
    elif kind == "safe_regex":
        text = _literal(match.safe_regex.regex)
    return text if text.startswith("/") else "/"


def _literal(regex: str) -> str:
    """What an expression begins with: up to the first sign that may mean something."""
    if "|" in regex:
        return ""
    out, position = "", 0
    while position < len(regex):
        char = regex[position]
        if (
            char == "\\"
            and regex[position + 1 : position + 2]
            and not regex[position + 1].isalnum()
        ):
            char = regex[position + 1]
            position += 2
        elif char.isalnum() or char in "/-_~%":
            position += 1
        else:
            return out[:-1] if char in "?*+{" else out
        out += char
    return out


def _common(texts: list[str]) -> str:
    """What all begin with."""
    first, last = min(texts), max(texts)
    same = next((i for i, char in enumerate(first) if last[i : i + 1] != char), len(first))
    return first[:same] or "/"
