"""What a route does with a request that it takes, computed for that request."""

import re
from collections.abc import Mapping

from controlplane.explaining.arriving import FORWARDED_PROTO, Arrived
from controlplane.explaining.told import Forwarded, Outcome, Redirected, Refusal, Responded
from controlplane.plan.plan import PlannedRoute
from language.paths import PathPattern, PathTemplate
from language.substitutions import substitution
from policies.contract import Action, Settings
from policies.headers.spec import HeaderOperations
from policies.redirect.spec import Redirect
from policies.rewrite.spec import Rewrite
from policies.sticky.sides import side
from policies.sticky.spec import Sticky

_GROUP = re.compile(r"\\(.)")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
NOTHING = HeaderOperations()


def outcome(planned: PlannedRoute, arrived: Arrived) -> Outcome:
    """Give what becomes of a request that a route takes."""
    if planned.held:
        why = "the route's file is not served, and nothing less specific may take its place"
        return Refusal(status=503, why=why, rule=planned.rule)
    found = settings(planned)
    match planned.route.action:
        case Action.REDIRECT:
            return _redirected(found["redirect"], planned.route.path, arrived)
        case Action.RESPOND:
            said = found["respond"]
            return Responded(status=said.status, body=said.body, headers=said.headers)
        case Action.FORWARD:
            return _forwarded(planned, found, arrived)


def settings(planned: PlannedRoute) -> Mapping[str, Settings]:
    """The settings of a route by key."""
    return {one.key: one.value for one in planned.settings}


def _forwarded(planned: PlannedRoute, found: Mapping[str, Settings], arrived: Arrived) -> Forwarded:
    rewrite: Rewrite = found.get("rewrite") or Rewrite()
    path = arrived.path
    if rewrite.path is not None:
        path = filled(planned.route.path, rewrite.path, path)
    weights = {name: weight for name, weight in (planned.route.match.to or {}).items() if weight}
    sticky: Sticky | None = found.get("sticky")
    chosen = _chosen(sticky, weights, arrived)
    return Forwarded(
        to=weights if chosen is None else {chosen: 100},
        side=_side(sticky, weights, chosen),
        target=path + _query(arrived),
        host=rewrite.host or arrived.authority,
        request=found.get("request") or NOTHING,
        rewritten=rewrite.path is not None or rewrite.host is not None,
    )


def _chosen(sticky: Sticky | None, weights: Mapping[str, int], arrived: Arrived) -> str | None:
    """The side that a request is on; with one backend that has all the weight there is none."""
    if sticky is None or len(weights) == 1:
        return None
    return side(sticky, weights, arrived.headers)


def _side(sticky: Sticky | None, weights: Mapping[str, int], chosen: str | None) -> str:
    if sticky is None or len(weights) == 1:
        return ""
    if sticky.header is not None:
        if chosen is None:
            return f"by chance: there is no header {sticky.header}"
        return f"{chosen}, by the hash of {sticky.header}: the same value has the same side"
    if chosen is None:
        return f"by chance, and the answer sets the cookie {sticky.cookie} for the time to come"
    return f"{chosen}, whose cookie {sticky.cookie} it is"


def _redirected(redirect: Redirect, pattern: PathPattern, arrived: Arrived) -> Redirected:
    path = arrived.path
    if redirect.path is not None and redirect.path.variables:
        path = filled(pattern, redirect.path, path)
    elif redirect.path is not None:
        path = redirect.path.text
    scheme = redirect.scheme or arrived.scheme
    port = f":{redirect.port}" if redirect.port else ""
    host = redirect.host or new_host(arrived, scheme, port)
    location = f"{scheme}://{host}{port}{path}{_query(arrived)}"
    return Redirected(status=redirect.code, location=location)


def new_host(arrived: Arrived, scheme: str, port: str) -> str:
    """The host of the new address; its port goes where a new one comes, or the scheme implies it.

    Envoy (config_impl.cc, processRequestHost) looks at the port of the scheme that is left.
    """
    authority = arrived.authority
    end = authority.rfind("]:") + 1 if authority.startswith("[") else authority.rfind(":")
    if end <= 0:
        return authority
    proto = arrived.headers.get(FORWARDED_PROTO, ("http",))[0]
    implied = scheme != proto and authority[end:] == _DEFAULT_PORT.get(proto.lower())
    return authority[:end] if port or implied else authority


def filled(pattern: PathPattern, template: PathTemplate, path: str) -> str:
    """Fill a template in with what a pattern matched."""
    made = substitution(pattern, template)
    found = re.fullmatch(made.regex.removeprefix("^").removesuffix("$"), path, re.DOTALL)
    if found is None:
        return path
    return _GROUP.sub(lambda g: found[int(g[1])] if g[1].isdigit() else g[1], made.replacement)


def _query(arrived: Arrived) -> str:
    return "" if arrived.query is None else f"?{arrived.query}"
