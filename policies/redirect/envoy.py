"""A redirect as Envoy's RedirectAction."""

from collections.abc import Mapping

from envoy.config.route.v3.route_components_pb2 import RedirectAction, Route

from language.substitutions import substitution
from policies.contract import RouteFacts, RouteStep
from policies.redirect.spec import Redirect

_CODES = {
    301: RedirectAction.MOVED_PERMANENTLY,
    302: RedirectAction.FOUND,
    303: RedirectAction.SEE_OTHER,
    307: RedirectAction.TEMPORARY_REDIRECT,
    308: RedirectAction.PERMANENT_REDIRECT,
}


def _redirect(settings: Redirect, facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    action = route.redirect
    action.response_code = _CODES[settings.code]
    if settings.scheme:
        action.scheme_redirect = settings.scheme
    if settings.host:
        action.host_redirect = settings.host
    if settings.port:
        action.port_redirect = settings.port
    if settings.path is not None and settings.path.variables:
        filled = substitution(facts.path, settings.path)
        action.regex_rewrite.pattern.regex = filled.regex
        action.regex_rewrite.substitution = filled.replacement
    elif settings.path is not None:
        action.path_redirect = settings.path.text
    return (route,)


ROUTE: Mapping[str, RouteStep] = {"redirect": _redirect}
