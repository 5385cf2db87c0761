"""Who answers CORS preflights, and whether pages may ask what they could not.

To a preflight the entries of a host are others than to a request: what it asks about stands in
place of its method. So both are compared in the same way, with another view.
"""

from collections.abc import Iterator
from dataclasses import replace

from controlplane.difference.guards import Guards, held, value
from controlplane.difference.handovers import Compared, Passed, View, compared
from controlplane.difference.hosts import Region
from controlplane.difference.requests import Allowance
from controlplane.difference.routes import is_open
from controlplane.matching.condition import Asked, asked
from controlplane.matching.request import Pairs, Request
from controlplane.plan.plan import Entry, PlannedRoute, Preflight, VirtualHost
from language.origins import ANY
from policies import PREFLIGHTS
from policies.cors.spec import KEY, Cors
from policies.guards import Weaker

_METHOD = "OPTIONS"
_REQUESTED = "access-control-request-method"
_ORIGIN = "origin"
_SOMEBODY = "https://any.example"


def preflights_compared(region: Region, allowance: Allowance) -> Compared | None:
    """Compare who answers the preflights of a region; None where nobody did or does."""
    sides = (region.before, region.after)
    if not any(isinstance(e, Preflight) for one in sides if one is not None for e in one.entries):
        return None
    found = compared(region, allowance, _VIEW)
    passed = (replace(one, request=_sent(one)) for one in found.passed if _concerns(one))
    unsaid = tuple(one for one in found.unsaid if any(isinstance(e, Preflight) for e in one))
    return replace(found, passed=tuple(passed), shadowed=(), unsaid=unsaid)


def preflight_weaker(
    guards: Guards, before: Entry | None, after: Entry | None
) -> Iterator[tuple[str, Weaker]]:
    """Each way in which the second answerer of a preflight lets pages ask more, with its key.

    A path where nothing was is no guard that is lost: a preflight there is a 404.
    """
    old, new = _deciding(before), _deciding(after)
    if new is not None and before is not None:
        for key in PREFLIGHTS if old is not None else (KEY,):
            for one in guards.of(key, old, new):
                yield key, one
    elif isinstance(before, Preflight) and is_open(after):
        what = "what pages may ask is said by who answers OPTIONS now"
        yield KEY, Weaker(what=what, comparable=False)


def deciding_elsewhere(one: Passed) -> bool:
    """Whether another route decides on a preflight and says something else, or none does."""
    if one.before is None or one.after is None:
        return False
    old, new = _deciding(one.before), _deciding(one.after)
    if old is None or new is None:
        return True
    said = ([held(route, key) for key in PREFLIGHTS] for route in (old, new))
    return old.rule != new.rule and next(said) != next(said)


def _answering(host: VirtualHost | None) -> tuple[Entry, ...]:
    """The entries that some preflight may reach: those that take OPTIONS."""
    return tuple(one for one in (() if host is None else host.entries) if _takes(one))


def _takes(entry: Entry) -> bool:
    return asked(entry).takes(_METHOD)


def _asking(entry: Entry) -> Asked:
    """What an entry asks of a preflight, with what it asks about as its method."""
    plain = asked(entry)
    if isinstance(entry, Preflight):
        methods = entry.methods or entry.others
        return Asked(path=plain.path, methods=methods, others=not entry.methods)
    return Asked(path=plain.path, condition=plain.condition)


def _alike(before: Entry, after: Entry) -> bool:
    """Whether two entries say the same to preflights; what requests meet is told elsewhere."""
    if isinstance(before, Preflight) and isinstance(after, Preflight):
        return _said(before) == _said(after)
    if isinstance(before, PlannedRoute) and isinstance(after, PlannedRoute):
        return before.route.match.priority == after.route.match.priority
    return True


def _said(one: Preflight) -> object:
    """What a preflight is answered, and where its entry stands among others."""
    if one.route is None:
        return None
    by = one.route
    return (_identity(by), by.route.match.priority, [value(by, key) for key in PREFLIGHTS])


def _identity(one: PlannedRoute) -> tuple[object, ...]:
    match = one.route.match
    methods = frozenset(match.methods)
    return (one.route.path.shape, methods, match.headers, match.query)


def _deciding(entry: Entry | None) -> PlannedRoute | None:
    """The route whose `cors` answers."""
    return entry.route if isinstance(entry, Preflight) else None


def _concerns(one: Passed) -> bool:
    """Whether a preflight is answered here otherwise: not only requests that all OPTIONS are."""
    return isinstance(one.before, Preflight) or isinstance(one.after, Preflight)


def _sent(one: Passed) -> Request:
    """The preflight that is meant, from a page that the answerer of now names."""
    by = _deciding(one.after) or _deciding(one.before)
    own: Pairs = ((_REQUESTED, one.request.method),)
    if not any(name == _ORIGIN for name, _ in one.request.headers):
        own = ((_ORIGIN, _named(by)), *own)
    return replace(one.request, method=_METHOD, headers=(*own, *one.request.headers))


def _named(by: PlannedRoute | None) -> str:
    cors: Cors | None = None if by is None else value(by, KEY)
    first = _SOMEBODY if cors is None else cors.origins[0].text
    return _SOMEBODY if first == ANY else first.replace("://*.", "://any.")


_VIEW = View(answering=_answering, asking=_asking, alike=_alike)
