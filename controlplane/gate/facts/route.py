"""What one route of a table says by itself."""

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute
from envoy.extensions.filters.http.ratelimit.v3.rate_limit_pb2 import RateLimitPerRoute
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError

from controlplane.compile.clusters import NOWHERE
from controlplane.compile.listener import BUFFER
from controlplane.gate.facts import pages
from controlplane.gate.facts.facts import NOTHING_ENFORCED, Enforced
from controlplane.gate.facts.keeping import REQUESTED
from controlplane.gate.facts.own import ends, not_itself, refuses
from controlplane.snapshot import CLUSTER, PREFIX, Reference
from policies import ENFORCED
from policies.auth.envoy import FILTER as AUTH
from policies.cors.envoy import FILTER as CORS
from policies.enforcement import Enforcement
from policies.headers.envoy import FILTER as HEADERS
from policies.ip.envoy import FILTER as IP
from policies.limits.envoy import AFTER_AUTH, BEFORE_AUTH

UNREADABLE = "what nobody can read"

Settings = Mapping[str, Any]

ROUTES_KEPT = 16_384
"""How many routes are remembered: most of a table is that of the one before."""

_OF_ONE = (AUTH, IP, CORS, BEFORE_AUTH, AFTER_AUTH, HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a route says by itself; `settings` are the filters that it sets something for.

    `refuses`: what is no host is refused by it. `wrong_in_page` is wrong where it is in a page.
    `upgrades` are those that it takes, `ends` is whether it answers what nothing else takes.
    `answers` is the status that the gateway itself gives there, 0 for none; `preflight`: only CORS
    preflights are taken. `enforced` is what it does for each key of a guard, in the key's words.
    `held` is up to how many bytes bodies are held back, 0 for none, None where it does not say.
    """

    name: str
    refuses: bool
    wrong: tuple[str, ...]
    clusters: tuple[Reference, ...]
    settings: tuple[tuple[str, str], ...]
    wrong_in_page: tuple[str, ...]
    upgrades: tuple[str, ...]
    ends: bool
    answers: int
    preflight: bool
    enforced: Enforced
    held: int | None


@lru_cache(maxsize=ROUTES_KEPT)
def route_facts(field: bytes) -> Route:
    """Read a route, which is a field of its host. Raises DecodeError."""
    (route,) = pb.VirtualHost.FromString(field).routes
    wrong: list[str] = []
    clusters: tuple[Reference, ...] = ()
    settings: list[tuple[str, str]] = []
    if route.HasField("route"):
        wrong += _beyond(route.route)
        clusters = tuple(Reference(CLUSTER, name) for name in clusters_of(route.route))
        answers = CORS in route.typed_per_filter_config  # what that leaves alone is refused
        if Reference(CLUSTER, NOWHERE) in clusters and not answers:
            wrong.append("it goes nowhere")
        for weight in route.route.weighted_clusters.clusters:
            wrong += of_several(weight.typed_per_filter_config)
            settings += filters_set(weight.typed_per_filter_config)
    elif route.HasField("redirect"):
        wrong += _beyond(route.redirect)
    configs = dict(route.typed_per_filter_config)
    settings += filters_set(configs)
    if AUTH not in configs or AFTER_AUTH in configs:
        wrong += _of_auth(configs)
    if own := not_itself(route):
        wrong.append(own)
    return Route(
        name=route.name,
        refuses=refuses(route),
        wrong=tuple(wrong),
        clusters=clusters,
        settings=tuple(settings),
        wrong_in_page=tuple(pages.of_page_route(route)),
        upgrades=tuple(one.upgrade_type for one in route.route.upgrade_configs),
        ends=ends(route),
        answers=_own_answer(route),
        preflight=any(one.name == REQUESTED for one in route.match.headers),
        enforced=_enforced(route),
        held=_held(configs),
    )


def _held(configs: Settings) -> int | None:
    if BUFFER not in configs:
        return None
    settings = BufferPerRoute.FromString(configs[BUFFER].value)
    return 0 if settings.disabled else settings.buffer.max_request_bytes.value


def _own_answer(route: pb.Route) -> int:
    """The status of an answer of the gateway; one that a user wrote is written otherwise."""
    answer = route.direct_response
    return answer.status if answer.HasField("body_format") else 0


def _enforced(route: pb.Route) -> Enforced:
    if _own_answer(route):
        return NOTHING_ENFORCED
    out: dict[str, frozenset[str]] = {}
    for key, one in enforcements().items():
        try:
            found = frozenset(one.found(route))
        except (DecodeError, ValueError):
            found = frozenset({UNREADABLE})
        if found:
            out[key] = alike(found)
    return _mapped(tuple(out.items()))


@lru_cache(maxsize=ROUTES_KEPT)
def alike(words: frozenset[str]) -> frozenset[str]:
    """One object for what many routes say alike."""
    return words


@lru_cache(maxsize=ROUTES_KEPT)
def _mapped(enforced: tuple[tuple[str, frozenset[str]], ...]) -> Enforced:
    return dict(enforced)


@cache
def enforcements() -> Mapping[str, Enforcement]:
    """What the guards' folders know of enforcing, by the keys of routes."""
    halves = (importlib.import_module(f"policies.{name}.enforced") for name in ENFORCED)
    return {key: one for half in halves for key, one in half.ENFORCED.items()}


def _beyond(action: pb.RouteAction | pb.RedirectAction) -> Iterator[str]:
    """Envoy takes a substitution with a group that its expression has not, and writes nothing."""
    if action.HasField("regex_rewrite"):
        written = action.regex_rewrite.substitution.replace("\\\\", "")
        groups = len(_GROUP.findall(action.regex_rewrite.pattern.regex))
        if any(int(digit) > groups for digit in _FILLED.findall(written)):
            yield "its new path names a variable that its path has not"


_GROUP = re.compile(r"(?<!\\)\((?!\?)")
_FILLED = re.compile(r"\\([0-9])")


def clusters_of(action: pb.RouteAction) -> Iterator[str]:
    """The clusters that an action names, those of mirrors too."""
    kind = action.WhichOneof("cluster_specifier")
    if kind == "cluster":
        yield action.cluster
    elif kind == "weighted_clusters":
        yield from (c.name for c in action.weighted_clusters.clusters)
    yield from (m.cluster for m in action.request_mirror_policies if m.cluster)


def filters_set(configs: Settings) -> Iterator[tuple[str, str]]:
    """The filters that something is set for, and the type of what is."""
    for name, packed in configs.items():
        yield name, packed.type_url.removeprefix(PREFIX)


def of_several(configs: Settings) -> Iterator[str]:
    """Settings that hold for more than one way of a request: they would open all at once."""
    for name in _OF_ONE:
        if name in configs:
            yield f"'{name}' is set for several routes at once"


def _of_auth(configs: Settings) -> Iterator[str]:
    if AUTH not in configs:
        yield f"'{AUTH}' is neither set nor off: every answer is 503"
        return
    try:
        unasked = _is_off(configs[AUTH]) and _counts_users(configs[AFTER_AUTH])
    except DecodeError:
        yield f"what it sets for '{AUTH}' or limits cannot be read"
        return
    if unasked:
        yield "it counts by who asks, and nobody is asked who that is"


def _is_off(packed: Any) -> bool:
    return ExtAuthzPerRoute.FromString(packed.value).disabled


def _counts_users(packed: Any) -> bool:
    limits = RateLimitPerRoute.FromString(packed.value).rate_limits
    return any(a.HasField("metadata") for limit in limits for a in limit.actions)
