"""Whom a route asks, by its settings and by what it has the filter ask."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from envoy.config.route.v3.route_components_pb2 import Route
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute

from policies.auth.envoy import FILTER
from policies.auth.pipeline import CONTEXT, RULE, Pipeline, digest, document
from policies.enforcement import Enforcement


def _asked(settings: Pipeline | None) -> Iterator[str]:
    if settings is not None:
        yield _word(_hash(settings))


@lru_cache(maxsize=1024)
def _hash(settings: Pipeline) -> str:
    return digest(document(settings))


def _found(route: Route) -> Iterator[str]:
    if FILTER not in route.typed_per_filter_config:
        return
    settings = ExtAuthzPerRoute.FromString(route.typed_per_filter_config[FILTER].value)
    if settings.disabled:
        return
    context = settings.check_settings.context_extensions
    yield _word(context[CONTEXT])
    if context[RULE] != route.name:
        yield "ask as another route"


def _word(hashed: str) -> str:
    return f"ask who it is, by pipeline {hashed[:12]}"


ENFORCED: Mapping[str, Enforcement] = {"auth": Enforcement(asked=_asked, found=_found)}
