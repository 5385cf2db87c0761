"""What a request meets beside the settings of routes: a 405, and how backends are spoken to."""

from collections.abc import Iterator, Mapping

from controlplane.difference.routes import is_open
from controlplane.plan.plan import Entry, MethodNotAllowed, Plan, PlannedRoute, besides
from policies.contract import Action
from policies.guards import Weaker

VERIFIED = {"https": "http", "grpcs": "grpc"}
"""What backends speak that proves who they are, and the same in the clear."""

Protocols = Mapping[str, str]
"""What each backend speaks."""


def protocols(plan: Plan) -> Protocols:
    """What is spoken to the backends of a plan."""
    return {one.key.text: one.protocol for one in plan.backends}


def entry_weaker(
    before: Entry | None, after: Entry | None, old: Protocols, new: Protocols
) -> Iterator[tuple[str, Weaker]]:
    """Each way in which the second answerer lets more pass than the first, with its key."""
    if isinstance(before, MethodNotAllowed) and is_open(after):
        what = "405 is not answered any more: the method was refused to everybody"
        yield "methods", Weaker(what=what)
    if isinstance(before, PlannedRoute) and isinstance(after, PlannedRoute):
        yield from _in_the_clear(before, after, old, new)


def _in_the_clear(
    before: PlannedRoute, after: PlannedRoute, old: Protocols, new: Protocols
) -> Iterator[tuple[str, Weaker]]:
    """Requests that went over TLS, and go to another backend without; of the same it is told."""
    was, now = _to(before), _to(after)
    if not any(old.get(name) in VERIFIED for name in was):
        return
    for name in sorted(now - was):
        if new.get(name) not in VERIFIED:
            what = f"requests go to '{name}' over {new.get(name)}, and went over TLS"
            yield "to", Weaker(what=what)


def _to(route: PlannedRoute) -> frozenset[str]:
    forwards = route.route.action is Action.FORWARD and not route.held
    if not forwards:
        return frozenset()
    return frozenset((*(route.route.match.to or ()), *besides(route)))
