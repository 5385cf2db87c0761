"""CORS preflights: which entry answers one, and how (Fetch, CORS-preflight request)."""

from controlplane.explaining.arriving import Arrived
from controlplane.explaining.told import Outcome, Refusal, Responded
from controlplane.plan.plan import Preflight
from policies.contract import RouteFacts
from policies.cors.spec import KEY, Cors

_REQUESTED = "access-control-request-method"


def answers(entry: Preflight, request: Arrived) -> bool:
    """Whether an entry is for a request."""
    if request.method != "OPTIONS" or not any(request.headers.get("origin", ())):
        return False
    asked = request.headers.get(_REQUESTED, ())
    if entry.methods:
        return any(one in entry.methods for one in asked)
    return any(asked) and not any(one in entry.others for one in asked)


def preflight(entry: Preflight, request: Arrived) -> Outcome:
    """Give the answer of an entry."""
    cors = _cors(entry)
    if entry.route is None or cors is None:
        why = "no route of this path is for what the preflight asks about"
        return Refusal(status=403, why=why, rule=entry.rule)
    origin = next((one for one in request.headers["origin"] if _takes(cors, one)), None)
    if origin is None:
        why = f"cors of {entry.route.route.place} does not name this origin"
        return Refusal(status=403, why=why, rule=entry.rule)
    route = entry.route.route
    methods = cors.allowed_methods(RouteFacts(path=route.path, methods=route.match.methods))
    said = {"access-control-allow-origin": origin}
    said |= {"access-control-allow-methods": ", ".join(methods)}
    if cors.headers:
        said |= {"access-control-allow-headers": ", ".join(cors.headers)}
    return Responded(status=200, body="", headers=said)


def _cors(entry: Preflight) -> Cors | None:
    found = entry.route.settings if entry.route is not None else ()
    return next((one.value for one in found if one.key == KEY), None)


def _takes(cors: Cors, origin: str) -> bool:
    return any(one.takes(origin) for one in cors.origins)
