"""What has a name and changed: hosts, backends, identities, consumers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from controlplane.difference.difference import Grant, ThingChange, ValueChange, Weakening
from controlplane.difference.entries import VERIFIED
from controlplane.difference.guards import backend_steps, named_steps
from controlplane.difference.words import changes, words
from controlplane.model.backends import facts
from controlplane.model.gateway import Backend, Setting
from controlplane.model.keys import backend_keys, named_keys
from controlplane.plan.names import values
from controlplane.plan.plan import Plan
from language.places import Place
from policies.guards import Weaker


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thing:
    value: object
    place: Place
    said: Mapping[str, str]


def thing_changes(before: Plan, after: Plan) -> Iterator[ThingChange]:
    """Each that came, went or says something else."""
    for group, old, new in (
        ("hosts", _hosts(before), _hosts(after)),
        ("backends", _backends(before), _backends(after)),
        *((kind, _named(before, kind), _named(after, kind)) for kind in named_keys()),
    ):
        for name in sorted(old.keys() | new.keys()):
            yield from _change(group, name, old.get(name), new.get(name))


def _change(
    group: str, name: str, before: _Thing | None, after: _Thing | None
) -> Iterator[ThingChange]:
    if before is None or after is None:
        yield ThingChange(
            kind="added" if before is None else "removed",
            group=group,
            name=name,
            before=None if before is None else before.place,
            after=None if after is None else after.place,
        )
    elif before.value != after.value:
        said = changes(before.said, after.said)
        yield ThingChange(
            kind="changed",
            group=group,
            name=name,
            before=before.place,
            after=after.place,
            values=said or (ValueChange(key="keys", before="", after="others"),),
        )


def _hosts(plan: Plan) -> dict[str, _Thing]:
    places: dict[str, _Thing] = {}
    for host in plan.hosts:
        each = len(host.places) // len(host.domains)  # the same routes name all its domains
        for number, domain in enumerate(host.domains):
            places[domain] = _Thing(value=None, place=host.places[number * each], said={})
    return places


def _backends(plan: Plan) -> dict[str, _Thing]:
    return {
        one.key.text: _Thing(value=said, place=one.place, said=said)
        for one in plan.backends
        for said in (_of_backend(one),)
    }


def _of_backend(backend: Backend) -> dict[str, str]:
    at = [str(one) for one in backend.endpoints]
    if at == [backend.authority]:
        said = {"url": f"{backend.protocol}://{backend.authority}"}
    else:
        said = {"endpoints": f"[{', '.join(sorted(at))}]", "protocol": backend.protocol}
    if backend.failover:
        said["failover"] = f"[{', '.join(sorted(map(str, backend.failover)))}]"
    for one in backend.settings:
        said |= dict(words(one.key, one.value, backend_keys()[one.key].settings))
    return said


def _named(plan: Plan, kind: str) -> dict[str, _Thing]:
    found: dict[str, _Thing] = {}
    for name, one in plan.named.get(kind, {}).items():
        said = {key.removeprefix("."): text for key, text in words("", one.value)}
        found[name] = _Thing(value=one.value, place=one.place, said=said)
    return found


def named_changes(before: Plan, after: Plan) -> Iterator[Weakening | Grant]:
    """What changes of named things let pass, and whom they grant something."""
    old, new = values(before.named), values(after.named)
    for kind, step in named_steps().items():
        for one in step(old, new):
            place = after.named[kind][one.name].place
            if one.weaker:
                yield Weakening(
                    key=kind, what=one.what, comparable=True, handovers=(), places=(place,)
                )
            else:
                yield Grant(kind=kind, name=one.name, what=one.what, place=place)


def unverified(before: Plan, after: Plan) -> Iterator[Weakening]:
    """Backends that are believed with less than before, or are spoken to in the clear."""
    old = {one.key.text: one for one in before.backends}
    for now in after.backends:
        name = now.key.text
        was = old.get(name)
        if was is None:
            continue
        if was.protocol in VERIFIED and now.protocol not in VERIFIED:
            what = f"'{name}' is spoken to over {now.protocol}, and was over {was.protocol}"
            yield _weaker("backends", Weaker(what=what), now.place)
        for key, step in backend_steps().items():
            past, setting = _setting(was, key), _setting(now, key)
            values = (None if one is None else one.value for one in (past, setting))
            place = now.place if setting is None else setting.place
            for one in step(next(values), facts(was), next(values), facts(now)):
                yield _weaker(key, replace(one, what=f"of '{name}': {one.what}"), place)


def _setting(backend: Backend, key: str) -> Setting | None:
    return next((one for one in backend.settings if one.key == key), None)


def _weaker(key: str, one: Weaker, place: Place) -> Weakening:
    return Weakening(
        key=key, what=one.what, comparable=one.comparable, handovers=(), places=(place,)
    )
