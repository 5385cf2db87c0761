"""Which resources are sent anew, and whose connections that ends (FACTS: listener updates)."""

from collections.abc import Iterator

from envoy.config.listener.v3.listener_pb2 import Listener

from controlplane.build import Build
from controlplane.difference.difference import Drain, Kind, ResourceChange
from controlplane.snapshot import CLUSTER, LISTENER, ORDER, Resource, Snapshot

ENVOY = "envoy"


def resource_changes(before: Build, after: Build) -> Iterator[ResourceChange]:
    """Each resource of Envoy, then of the services, by type in the order of sending, and name."""
    yield from _between(ENVOY, before.snapshot, after.snapshot)
    for role in sorted(before.services.keys() | after.services.keys()):
        yield from _between(role, before.services.get(role), after.services.get(role))


def _between(to: str, before: Snapshot | None, after: Snapshot | None) -> Iterator[ResourceChange]:
    old, new = _by_type(before), _by_type(after)
    known = {type_url: place for place, type_url in enumerate(ORDER)}
    for type_url in sorted(old.keys() | new.keys(), key=lambda t: (known.get(t, len(known)), t)):
        was, now = old.get(type_url, {}), new.get(type_url, {})
        for name in sorted(was.keys() | now.keys()):
            one, other = was.get(name), now.get(name)
            if one is not None and other is not None and one.version == other.version:
                continue
            yield ResourceChange(
                to=to,
                kind=_kind(one, other),
                type_name=type_url.rpartition(".")[2],
                name=name,
                before_bytes=len(one.body) if one else 0,
                after_bytes=len(other.body) if other else 0,
            )


def _kind(before: Resource | None, after: Resource | None) -> Kind:
    if before is None:
        return "added"
    return "changed" if after is not None else "removed"


def _by_type(one: Snapshot | None) -> dict[str, dict[str, Resource]]:
    return {} if one is None else {t: dict(found) for t, found in one.resources.items()}


def drains(before: Build, after: Build) -> Iterator[Drain]:
    """What ends connections: listeners and clusters alone do, never routes or endpoints."""
    if before.snapshot is None or after.snapshot is None:
        return
    old, new = before.snapshot.of(LISTENER), after.snapshot.of(LISTENER)
    for name, one in old.items():
        other = new.get(name)
        if other is None:
            what = f"the listener {name} goes: its connections drain, and its port closes"
            yield Drain(of="clients", what=what)
        elif one.version != other.version:
            yield Drain(of="clients", what=_in_place(one, other))
    clusters, now = before.snapshot.of(CLUSTER), after.snapshot.of(CLUSTER)
    for name, one in clusters.items():
        if name not in now:
            yield Drain(of="backends", what=f"the connections to '{name}' close: it goes")
        elif now[name].version != one.version:
            yield Drain(of="backends", what=f"the connections to '{name}' drain: it is made anew")


def _in_place(before: Resource, after: Resource) -> str:
    """Say what of a listener drains that keeps its name and address."""
    old, new = Listener.FromString(before.body), Listener.FromString(after.body)
    chains = {c.name: c for c in new.filter_chains}
    changed = [c.name for c in old.filter_chains if chains.get(c.name) != c]
    for one in (old, new):
        one.ClearField("filter_chains")
    if old != new:
        return f"the whole listener {before.name} drains: all its connections end"
    ends = f"the connections of its filter chain {', '.join(changed)} drain"
    return f"the listener {before.name} changes in place: {ends}"
