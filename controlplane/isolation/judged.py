"""What services need to know for routes that are kept: their pipelines, limits and key sources.

Consumers are always those of the new build: who was removed does not come back with a route.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute
from envoy.extensions.filters.http.ratelimit.v3.rate_limit_pb2 import RateLimitPerRoute
from google.protobuf.message import DecodeError

from controlplane.build import Build
from controlplane.isolation.closed import STATUS
from controlplane.rollout.consumers import grants
from controlplane.snapshot import Resource, Snapshot, resource, snapshot
from policies.auth.envoy import FILTER
from policies.auth.pipeline import (
    CONTEXT,
    ApiKeyIdentity,
    JwtIdentity,
    MalformedPipelineError,
    Pipeline,
    parse,
)
from policies.auth.sources import KeySource
from policies.limits.envoy import AFTER_AUTH, BEFORE_AUTH
from protos import CONSUMERS, EXTAUTHZ, LIMITS, LIMITS_NAME, PIPELINE, RATELIMIT, auth_pb2
from protos.limits_pb2 import Limit, LimitSet

_LIMIT = "limit"
"""The first entry of a descriptor: the identity of what is counted."""


def pipelines(routes: Iterable[pb.Route]) -> frozenset[str]:
    """The hashes that routes carry; an empty one for a route that has none and is not open."""
    return frozenset(h for one in routes if (h := _pipeline(one)) is not None)


def limits(routes: Iterable[pb.Route]) -> frozenset[str]:
    """The identities of the limits that routes name."""
    return frozenset(
        action.generic_key.descriptor_value
        for route in routes
        for name in (BEFORE_AUTH, AFTER_AUTH)
        if name in route.typed_per_filter_config
        for one in _unpacked_limits(route, name).rate_limits
        for action in one.actions
        if action.generic_key.descriptor_key == _LIMIT
    )


def calls(routes: Iterable[pb.Route]) -> frozenset[str]:
    """The services that some route calls."""
    found: set[str] = set()
    for route in routes:
        if EXTAUTHZ not in found and _pipeline(route) is not None:
            found.add(EXTAUTHZ)
        if BEFORE_AUTH in route.typed_per_filter_config:
            found.add(RATELIMIT)
        if AFTER_AUTH in route.typed_per_filter_config:
            found.add(RATELIMIT)
    return frozenset(found)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What services hold of a build, and of the one before it."""

    now: Build
    before: Build | None

    def keeps(self, routes: tuple[pb.Route, ...], instead_of: tuple[pb.Route, ...]) -> bool:
        """Whether routes of before can be judged as they were, and let nobody pass who may not.

        Who is a consumer only now was never admitted by the pipelines of before: where the rule has
        another one by now, neither version says that this consumer may pass. A rule that answers
        503 by now (it is closed, or its file is not served) is not open to all.
        """
        wanted, mine = pipelines(instead_of), pipelines(routes)
        if not mine <= self._pipelines.keys() or not limits(routes) <= self._limits.keys():
            return False
        shut = any(one.direct_response.status == STATUS for one in instead_of)
        open_now = bool(instead_of) and not wanted and not shut
        return open_now or not self._met(mine - wanted)

    def services(
        self, kept: tuple[pb.Route, ...], others: Iterable[pb.Route]
    ) -> Mapping[str, Snapshot]:
        """What services are served so that kept routes are judged as they were."""
        made = dict(self.now.services)
        there = _of(self.now, EXTAUTHZ, PIPELINE)
        missing = sorted(pipelines(kept) - there.keys())
        if missing and EXTAUTHZ in made:
            added = (self._pipelines[name] for name in missing)
            made[EXTAUTHZ] = snapshot([*_all(made[EXTAUTHZ]), *added])
        ids = limits(kept)
        if ids and RATELIMIT in made:
            made[RATELIMIT] = self._with_limits(made[RATELIMIT], ids, others)
        return made

    def key_sources(self, kept: tuple[pb.Route, ...]) -> tuple[KeySource, ...]:
        """Where keys come from, those of kept routes among them."""
        found = {one.id: one for one in self.now.key_sources}
        old = {} if self.before is None else {one.id: one for one in self.before.key_sources}
        for name in pipelines(kept):
            for identity in self._read(name).identities:
                if isinstance(identity, JwtIdentity) and identity.keys in old:
                    found.setdefault(identity.keys, old[identity.keys])
        return tuple(found[name] for name in sorted(found))

    def _with_limits(
        self, served: Snapshot, ids: frozenset[str], others: Iterable[pb.Route]
    ) -> Snapshot:
        """The amounts of before where none of the other routes counts by the same limit."""
        current = LimitSet.FromString(served.of(LIMITS)[LIMITS_NAME].body)
        by_id = {one.id: one for one in current.limits}
        old = _limits(self.before)
        changed = {name for name in ids & old.keys() if by_id.get(name) != old[name]}
        if changed & by_id.keys():
            changed -= limits(others) & by_id.keys()
        if not changed:
            return served
        by_id |= {name: old[name] for name in changed}
        out = LimitSet(redis_down=current.redis_down)
        out.limits.extend(by_id[name] for name in sorted(by_id))
        rest = (one for one in _all(served) if one.type_url != LIMITS)
        return snapshot([*rest, resource(LIMITS, LIMITS_NAME, out)])

    def _met(self, hashes: frozenset[str]) -> bool:
        """Whether some consumer of now alone could pass by one of these."""
        identities = (i for name in hashes for i in self._read(name).identities)
        keys = {one.name for one in identities if isinstance(one, ApiKeyIdentity)}
        return bool(keys & self._newcomers)

    def _read(self, name: str) -> Pipeline:
        try:
            return parse(auth_pb2.Pipeline.FromString(self._pipelines[name].body).document)
        except MalformedPipelineError:
            # extauthz refuses what it cannot read, so nobody passes
            return Pipeline(identities=())

    @cached_property
    def _newcomers(self) -> frozenset[str]:
        """The identities that some key or scope of now belongs to and none of before did."""
        held = [_of(one, EXTAUTHZ, CONSUMERS).values() for one in (self.now, self.before)]
        now, before = ({g for one in group for g in grants(one)} for group in held)
        return frozenset(identity for _, identity, _, _ in now - before)

    @cached_property
    def _pipelines(self) -> dict[str, Resource]:
        old, new = (_of(one, EXTAUTHZ, PIPELINE) for one in (self.before, self.now))
        return {**old, **new}

    @cached_property
    def _limits(self) -> dict[str, Limit]:
        return {**_limits(self.before), **_limits(self.now)}


def _pipeline(route: pb.Route) -> str | None:
    if FILTER not in route.typed_per_filter_config:
        return ""
    per_route = ExtAuthzPerRoute()
    try:
        route.typed_per_filter_config[FILTER].Unpack(per_route)
    except DecodeError:  # refused for that: it is not open
        return ""
    if per_route.disabled:
        return None
    return per_route.check_settings.context_extensions.get(CONTEXT, "")


def _unpacked_limits(route: pb.Route, name: str) -> RateLimitPerRoute:
    out = RateLimitPerRoute()
    route.typed_per_filter_config[name].Unpack(out)
    return out


def _of(one: Build | None, role: str, type_url: str) -> Mapping[str, Resource]:
    served = None if one is None else one.services.get(role)
    return {} if served is None else served.of(type_url)


def _limits(one: Build | None) -> dict[str, Limit]:
    bodies = (r.body for r in _of(one, RATELIMIT, LIMITS).values())
    return {limit.id: limit for body in bodies for limit in LimitSet.FromString(body).limits}


def _all(one: Snapshot) -> Iterator[Resource]:
    return (r for group in one.resources.values() for r in group.values())
