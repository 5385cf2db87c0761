"""The brake: a version that takes away much at once is held until somebody says that it is meant.

A folder that was mounted half, a template that rendered nothing, a file that was saved empty: each
is a valid gateway, and would take a live one down.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

from envoy.config.route.v3 import route_components_pb2 as pb

from controlplane import layout
from controlplane.build import Build
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Snapshot
from controlplane.tables import apart
from language.mistakes import Mistake
from language.places import Place
from protos import CONSUMERS, EXTAUTHZ, LIMITS, RATELIMIT
from protos.auth_pb2 import ConsumerSet
from protos.limits_pb2 import LimitSet

LEAST = 10
PERCENT = 20
"""What is held: so many of a kind at once that are also so much of it."""

SHOWN = 5

OURS = "foregate:"
"""What the clusters of our own services begin with; no backend's name holds a colon."""

USERS_ROUTE = "r-"
"""What the name of a route of the user's begins with: the gateway's own are `m-`, `p-` and `h-`."""


TABLES = 4
PAGES = 256
ROUTES_KEPT = 16_384
"""How much is remembered: the version before was read when it came, and is most of the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """So much of one kind is gone that it may be an accident.

    `had` were there, `left` of them still are: new ones do not count. `names` are some of those
    that are gone, sorted. `emptied`: there is none of the kind any more, old or new.
    """

    kind: str
    had: int
    left: int
    names: tuple[str, ...]
    reason: Literal["emptied", "many"]


def removed(before: Build, after: Build) -> tuple[Removal, ...]:
    """Say which kinds lost all they had, or 20 % and at least 10 of it.

    Both builds have a snapshot. Counted is what is in it, so a build from the disk without a plan
    will do. Objects are told apart by what they are for, never by where they stand or their number:
    listeners by their address, hosts, backends and consumers by their names, and a route by its
    host with what it matches, in however many pages it stands. Another timeout or target is no
    removal; another name, host, path or match is one, and something new beside it. Limits are
    counted by what clients see (`user-s`): their ids change whenever a host is added to a file,
    which takes nothing away. Identities are not counted: they are nowhere but in what routes ask
    for.
    """
    found = []
    now = _objects(after)
    for kind, old in _objects(before).items():
        gone = old.keys() - now[kind].keys()
        emptied = bool(old) and not now[kind]
        if emptied or (len(gone) >= LEAST and len(gone) * 100 >= PERCENT * len(old)):
            names = sorted({old[one] for one in gone})[:SHOWN]
            found.append(
                Removal(
                    kind=kind,
                    had=len(old),
                    left=len(old) - len(gone),
                    names=tuple(names),
                    reason="emptied" if emptied else "many",
                )
            )
    return tuple(found)


def mistakes(removals: tuple[Removal, ...], origin: Place) -> tuple[Mistake, ...]:
    """Tell each; `origin` is where, as what is gone has no line any more."""
    return tuple(
        Mistake(
            place=origin,
            message=f"this version is held: {words(one)}",
            hint="put them back; or, if this is meant, foregate push --allow-removal",
        )
        for one in removals
    )


def words(one: Removal) -> str:
    """Say what is gone, and some of it by name."""
    gone = one.had - one.left
    if one.reason == "emptied":
        there = "was one" if one.had == 1 else f"were {one.had}"
        said = f"it has no {one.kind} any more, and there {there}"
    else:
        said = f"it removes {gone} of {one.had} {one.kind}"
    more = ", …" if len(one.names) == SHOWN < gone else ""
    return f"{said} ({', '.join(one.names)}{more})"


def _objects(build: Build) -> Mapping[str, Mapping[str, str]]:
    """The objects of each kind: what each is told apart by, and what it is shown as."""
    routes: dict[str, str] = {}
    hosts: set[str] = set()
    listeners: set[str] = set()
    backends: set[str] = set()
    if build.snapshot is not None:
        listeners.update(build.snapshot.of(LISTENER))
        backends.update(n for n in build.snapshot.of(CLUSTER) if not n.startswith(OURS))
        for name, table in build.snapshot.of(ROUTES).items():
            if layout.dispatches(name):  # it says where routes are, and has none
                continue
            of_table = (_of_page if layout.page(name) else _of_table)(table.body)
            hosts.update(of_table.hosts)
            routes |= of_table.routes
    named = {
        "listeners": listeners,
        "hosts": hosts,
        "backends": backends,
        "consumers": {
            one.name
            for body in _bodies(build.services.get(EXTAUTHZ), CONSUMERS)
            for one in ConsumerSet.FromString(body).consumers
        },
    }
    shown = {kind: {name: name for name in names} for kind, names in named.items()}
    return {"routes": routes, **shown, "limits": _limits(build)}


def _limits(build: Build) -> Mapping[str, str]:
    """The limits, those of one name by their number."""
    found: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for body in _bodies(build.services.get(RATELIMIT), LIMITS):
        for one in LimitSet.FromString(body).limits:
            counts[one.name] += 1
            found[f"{one.name} {counts[one.name]}"] = one.name
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """The hosts of a table, and its routes as `_objects` gives them."""

    hosts: frozenset[str]
    routes: Mapping[str, str]


def _read(body: bytes) -> _Table:
    hosts: set[str] = set()
    routes: dict[str, str] = {}
    for one in apart(body).hosts:
        domains = pb.VirtualHost.FromString(one.bare).domains
        hosts.update(domains)
        matches = dict(_matches(one.routes))
        routes |= {f"{d} {key}": d + p for d in domains for key, p in matches.items()}
    return _Table(hosts=frozenset(hosts), routes=MappingProxyType(routes))


_of_table = lru_cache(maxsize=TABLES)(_read)
_of_page = lru_cache(maxsize=PAGES)(_read)


def _matches(routes: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Each route of the user's: what it matches, and its path to be shown.

    A policy may make several of one route (retries by method). The last of a name is then the one
    that takes the rest, so its match is the whole route's: policies do not change what a route is.
    """
    last = {one.name: one for one in map(_match, routes) if one.name.startswith(USERS_ROUTE)}
    for one in last.values():
        yield one.key, one.shown


class _Match(NamedTuple):
    """What a route matches, and its path to be shown."""

    name: str
    key: str
    shown: str


@lru_cache(maxsize=ROUTES_KEPT)
def _match(field: bytes) -> _Match:
    """Read a route, which is a field of its host."""
    (route,) = pb.VirtualHost.FromString(field).routes
    match = route.match
    path = _path(match)
    conditions = sorted(
        one.SerializeToString(deterministic=True)
        for one in (*map(_in_order, match.headers), *match.query_parameters)
    )
    key = f"{match.WhichOneof('path_specifier')} {path} {conditions!r}"
    return _Match(name=route.name, key=key, shown=_shown(path))


def _in_order(matcher: pb.HeaderMatcher) -> pb.HeaderMatcher:
    """A match on several methods is an expression of them as they were written."""
    if matcher.name == ":method" and matcher.string_match.HasField("safe_regex"):
        regex = matcher.string_match.safe_regex
        regex.regex = "|".join(sorted(regex.regex.split("|")))
    return matcher


def _path(match: pb.RouteMatch) -> str:
    if match.HasField("safe_regex"):
        return match.safe_regex.regex
    if match.HasField("path_separated_prefix"):
        return f"{match.path_separated_prefix}/.*"
    return f"{match.prefix}.*" if match.HasField("prefix") else match.path


def _shown(path: str) -> str:
    """Write an expression more like the path that it was made of."""
    ends = path.replace("(?:/.*)?", "/**").replace("/.*", "/**")
    return re.sub(r"\\(.)", r"\1", ends.replace("[^/]+", "{…}"))


def _bodies(one: Snapshot | None, type_url: str) -> Iterator[bytes]:
    if one is not None:
        yield from (r.body for r in one.of(type_url).values())
