"""What a request meets beside the settings of routes: a 405, a redirect, bodies, the backends."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controlplane.compile.streams import streams
from controlplane.compile.targets import STREAMING
from controlplane.difference.guards import backend_steps
from controlplane.difference.routes import is_open
from controlplane.model.backends import facts
from controlplane.model.gateway import Backend
from controlplane.model.keys import route_keys
from controlplane.plan.plan import Entry, MethodNotAllowed, Plan, PlannedRoute, besides
from policies.contract import Action
from policies.guards import Weaker

VERIFIED = {"https": "http", "grpcs": "grpc"}
"""What backends speak that proves who they are, and the same in the clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The backends of a plan, and the names of those to which bodies are streams."""

    by_name: Mapping[str, Backend]
    streaming: frozenset[str]

    def verified(self, name: str) -> bool:
        """Whether one has to prove who it is."""
        return name in self.by_name and self.by_name[name].protocol in VERIFIED


def backends(plan: Plan) -> Backends:
    """What requests of a plan go to."""
    by_name = {one.key.text: one for one in plan.backends}
    streaming = frozenset(name for name, one in by_name.items() if one.protocol in STREAMING)
    return Backends(by_name=by_name, streaming=streaming)


def entry_weaker(
    before: Entry | None, after: Entry | None, old: Backends, new: Backends
) -> Iterator[tuple[str, Weaker]]:
    """Each way in which the second answerer lets more pass than the first, with its key."""
    if isinstance(before, MethodNotAllowed) and is_open(after):
        what = "405 is not answered any more: the method was refused to everybody"
        yield "methods", Weaker(what=what)
    if isinstance(before, PlannedRoute) and isinstance(after, PlannedRoute):
        yield from _reached(before, after)
        yield from _less_verified(before, after, old, new)
        yield from _copied(before, after)
        yield from unbounded(before, after, old, new)


def _reached(before: PlannedRoute, after: PlannedRoute) -> Iterator[tuple[str, Weaker]]:
    """Open answers of the gateway itself that become those of a backend, which nobody guards.

    Of a guarded answer its `auth` tells, and of a written refusal `respond` does.
    """
    actions = (before.route.action, after.route.action)
    if actions[0] is Action.FORWARD or actions[1] is not Action.FORWARD:
        return
    if is_open(before) and is_open(after):
        what = "everybody reaches a backend: the gateway answered this itself"
        yield actions[0].value, Weaker(what=what)


def _less_verified(
    before: PlannedRoute, after: PlannedRoute, old: Backends, new: Backends
) -> Iterator[tuple[str, Weaker]]:
    """Requests that go to another backend, which proves less who it is; of the same it is told."""
    was, now = _to(before), _to(after)
    over_tls = [old.by_name[name] for name in sorted(was) if old.verified(name)]
    for name in sorted(now - was) if over_tls else ():
        if not new.verified(name):
            what = f"requests go to '{name}' over {new.by_name[name].protocol}, and went over TLS"
            yield "to", Weaker(what=what)
            continue
        ways = [_less(one, new.by_name[name]) for one in over_tls]
        if all(ways):
            yield "to", Weaker(what=f"requests go to '{name}': {ways[0][0].what}")


def _less(before: Backend, after: Backend) -> list[Weaker]:
    """What a backend need not show that another had to; that they have two names is no less."""
    old, new = ({one.key: one.value for one in side.settings} for side in (before, after))
    return [
        one
        for key, step in backend_steps().items()
        for one in step(old.get(key), facts(before), new.get(key), facts(after))
        if one.comparable
    ]


def _copied(before: PlannedRoute, after: PlannedRoute) -> Iterator[tuple[str, Weaker]]:
    """Copies that go to a backend which got nothing of these requests."""
    known = _to(before)
    settings = [one for one in after.settings if one.value is not None]
    for one in settings if after.route.action is Action.FORWARD else ():
        for to in route_keys()[one.key].backends(one.value):
            if to.name not in known:
                sent = "with headers, bodies and the credentials that go on"
                yield one.key, Weaker(what=f"'{to.name}' gets copies of requests, {sent}")


def unbounded(
    before: PlannedRoute, after: PlannedRoute, old: Backends, new: Backends
) -> Iterator[tuple[str, Weaker]]:
    """A route that becomes a stream: bodies were refused that are larger than the bound."""
    forwards = before.route.action is Action.FORWARD and not before.held
    if forwards and not streams(before, old.streaming) and streams(after, new.streaming):
        yield "stream", Weaker(what="bodies of more than 8 MiB pass, and were refused by 413")


def _to(route: PlannedRoute) -> frozenset[str]:
    forwards = route.route.action is Action.FORWARD and not route.held
    if not forwards:
        return frozenset()
    return frozenset((*(route.route.match.to or ()), *besides(route)))
