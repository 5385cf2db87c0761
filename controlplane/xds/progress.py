"""How far a node is with its world, by its subscriptions."""

from collections.abc import Mapping
from typing import Literal

from controlplane.seen.fleet import Phase
from controlplane.snapshot import EXTENSION, LISTENER, ROUTES, SCOPE
from controlplane.xds.subscription import Subscription
from controlplane.xds.world import World
from protos import KEY_REQUEST

State = Literal["waiting", "live", "rejected"]
"""`live`: the node ACKed all that it asked for, and asked for all that its role needs (an Envoy
that just starts asks for clusters first); what has no user any more may still be there.
`rejected`: it is done, but it, or a node like it, refused a part."""

Subscriptions = Mapping[str, Subscription]
"""By type."""

_USERS = (LISTENER, EXTENSION, SCOPE, ROUTES)


def answered(world: World | None, subscriptions: Subscriptions) -> State:
    """How far a node is with the world that it was given."""
    policy = [s for t, s in subscriptions.items() if t != KEY_REQUEST]
    if world is None or any(s.pending for s in policy):
        return "waiting"
    if any(s.rejected for s in policy):
        return "rejected"
    missing = world.expected - subscriptions.keys()
    if not policy or missing or any(s.waiting for s in policy):
        return "waiting"
    return "live"


def phase(subscriptions: Subscriptions) -> Phase:
    """Which step of its world a node is in."""
    known = subscriptions.items()
    if any(s.waiting or (s.adding and t not in _USERS) for t, s in known):
        return "add"
    if any(s.pending and t in _USERS for t, s in known):
        return "move"
    return "drain" if any(s.leaving or s.pending for _, s in known) else "done"


def arriving(subscriptions: Subscriptions) -> bool:
    """Whether an Envoy that comes has not said yet what it holds of listeners and routes."""
    listeners, scopes, tables = (subscriptions.get(t) for t in (LISTENER, SCOPE, ROUTES))
    if listeners is None:
        return True
    by_listeners = {n.type_url for one in listeners.live() for n in one.needs}
    if SCOPE in by_listeners and scopes is None:
        return True
    return tables is None and bool(by_listeners & {ROUTES, SCOPE})
