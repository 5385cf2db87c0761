"""What backends say of the routes that go to them."""

from typing import NamedTuple

from controlplane.memo import Memo
from controlplane.model.gateway import Backend, Route
from controlplane.plan.forwarding import Forwarding, forwarding
from controlplane.plan.plan import Plan
from policies.contract import Action

STREAMING = frozenset({"grpc", "grpcs"})
"""What backends speak whose request bodies are streams, and are not held back until they end."""


class Targets(NamedTuple):
    """The backends to which bodies are streams, and those that put something on their routes.

    They are the same parts as long as nothing changes that routes carry.
    """

    streaming: frozenset[str]
    asking: tuple[tuple[str, Forwarding], ...]

    def asked(self, route: Route) -> Forwarding:
        """What the backends of a route put on it: those that ask for something ask for the same."""
        if not self.asking:
            return ()
        by_name = dict(self.asking)
        return next((by_name[name] for name, _ in forwarded(route) if name in by_name), ())


def targets_of(plan: Plan, memo: Memo) -> Targets:
    """What the backends of a plan say."""
    asking = ((b.key.text, memo(_asking, b)) for b in plan.backends)
    return Targets(
        streaming=frozenset(b.key.text for b in plan.backends if b.protocol in STREAMING),
        asking=tuple((name, asked) for name, asked in asking if asked),
    )


def forwarded(route: Route) -> list[tuple[str, int]]:
    """The backends that a route forwards to, with their weights."""
    if route.action is not Action.FORWARD:
        return []
    return [(name, weight) for name, weight in (route.match.to or {}).items() if weight]


def _asking(backend: Backend) -> Forwarding:
    return forwarding((backend,)).get(backend.key.text, ())
