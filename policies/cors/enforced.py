"""Which pages may ask, by the settings of a route and by its policy in Envoy."""

from collections.abc import Iterator, Mapping

from envoy.config.route.v3.route_components_pb2 import Route
from envoy.extensions.filters.http.cors.v3.cors_pb2 import CorsPolicy

from policies.cors.envoy import FILTER
from policies.cors.spec import KEY, Cors
from policies.enforcement import Enforcement


def _asked(settings: Cors | None) -> Iterator[str]:
    if settings is None:
        return
    yield "answer pages"
    for origin in settings.origins:
        yield _page(origin.regex if origin.is_wildcard else origin.text)
    yield from (f"let pages set {one}" for one in settings.headers)
    yield from (f"let pages read {one}" for one in settings.expose)
    if settings.credentials:
        yield "let pages use cookies"


def _found(route: Route) -> Iterator[str]:
    if FILTER not in route.typed_per_filter_config:
        return
    policy = CorsPolicy.FromString(route.typed_per_filter_config[FILTER].value)
    if policy.forward_not_matching_preflights.value:
        yield "answer pages"
    for one in policy.allow_origin_string_match:
        yield _page(one.exact or one.safe_regex.regex)
    yield from (f"let pages set {one}" for one in _names(policy.allow_headers))
    yield from (f"let pages read {one}" for one in _names(policy.expose_headers))
    if policy.allow_credentials.value:
        yield "let pages use cookies"


def _names(text: str) -> list[str]:
    return text.split(", ") if text else []


def _page(origin: str) -> str:
    return f"let pages of {origin} ask"


ENFORCED: Mapping[str, Enforcement] = {KEY: Enforcement(asked=_asked, found=_found)}
