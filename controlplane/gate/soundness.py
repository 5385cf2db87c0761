"""What Envoy takes although it is wrong, or what a proof cannot see: said by ourselves, first.

Envoy's own opinion is the gate's. Each resource is read once: what it says does not change with
the others, and most of a snapshot is that of the one before.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from controlplane.gate.facts.facts import Chain, Facts
from controlplane.gate.facts.listener import FILTERS
from controlplane.gate.facts.reading import facts_of
from controlplane.gate.placement import Unsound, misplaced
from controlplane.gate.verdicts import Provenance, lines_of
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SCOPE,
    SECRET,
    Resource,
    Snapshot,
    Subject,
)
from language.mistakes import Mistake
from language.places import Place

_HTTP = "envoy.extensions.filters.http."
PER_ROUTE = {
    f"{_HTTP}cors.v3.Cors": f"{_HTTP}cors.v3.CorsPolicy",
    f"{_HTTP}jwt_authn.v3.JwtAuthentication": f"{_HTTP}jwt_authn.v3.PerRouteConfig",
    f"{_HTTP}local_ratelimit.v3.LocalRateLimit": f"{_HTTP}local_ratelimit.v3.LocalRateLimit",
}
"""What a route sets for a filter where that is not called after it, as `BufferPerRoute` is.

Envoy takes the filter's own settings there too, without effect: an IP list would let all in.
"""


NOUNS = {
    CLUSTER: "cluster",
    ENDPOINTS: "endpoints",
    SECRET: "secret",
    LISTENER: "listener",
    EXTENSION: "extension",
    SCOPE: "scope",
    ROUTES: "table",
}


def unsound(snapshot: Snapshot) -> tuple[Unsound, ...]:
    """Everything that is wrong with a snapshot by itself, each once, at the smallest part."""
    read: dict[tuple[str, str], Facts] = {}
    found: list[Unsound] = []
    for type_url, group in snapshot.resources.items():
        for key, one in group.items():
            subject = Subject(type_url, key)
            facts = facts_of(one) if one.type_url == type_url in NOUNS else None
            if facts is None:
                words = "it is no resource of its type: nobody can read it"
                found.append(Unsound(subject=subject, words=words))
                continue
            read[type_url, key] = facts
            if facts.wrong or facts.hosts or not one.name == key == facts.name or not one.version:
                found += _alone(subject, one, facts)
    for (type_url, key), facts in read.items():
        one = snapshot.of(type_url)[key]
        if not (facts.references <= one.needs and read.keys() >= one.needs):
            found += _together(Subject(type_url, key), one, facts, snapshot)
    listeners = {key: f for (kind, key), f in read.items() if kind == LISTENER}
    found += _addresses(listeners)
    found += _scopes(read, listeners)
    sound = all(one.subject.type_url != LISTENER for one in found)
    found += _settings(read, listeners, sound=sound)
    found += misplaced(read)
    return tuple(dict.fromkeys(found))


def mistakes_of(
    unsound: Sequence[Unsound], provenance: Provenance, origin: Place
) -> tuple[Mistake, ...]:
    """Tell each at the line that it comes from, in file order.

    `origin` is where a mistake goes whose resources no line is known to have produced.
    """
    told = []
    for one in unsound:
        first, *rest = lines_of(one.subject, provenance) or (origin,)
        told.append(
            Mistake(
                place=first,
                message=f"this would be served wrong: {one.words}",
                hint="this passed every check of files: please report it",
                also=tuple(rest),
            )
        )
    return tuple(sorted(dict.fromkeys(told), key=lambda m: (m.place, m.message)))


def _alone(subject: Subject, one: Resource, facts: Facts) -> Iterator[Unsound]:
    if not one.name == subject.name == facts.name:
        words = f"it calls itself '{facts.name}', and is to be sent as '{subject.name}'"
        yield Unsound(subject=subject, words=words)
    if not one.version:
        yield Unsound(subject=subject, words="it has no version")
    for part, words in facts.wrong:
        yield Unsound(subject=subject._replace(part=part), words=words)
    for host in facts.hosts:
        yield Unsound(subject=subject._replace(part=host), words="another host has its name")


def _together(
    subject: Subject, one: Resource, facts: Facts, snapshot: Snapshot
) -> Iterator[Unsound]:
    """What it names must be there, and must be sent before it."""
    for part, reference in facts.named:
        what = f"{NOUNS[reference.type_url]} '{reference.name}'"
        if reference.name not in snapshot.of(reference.type_url):
            words = f"it names the {what}, and there is none"
            yield Unsound(subject=subject._replace(part=part), words=words)
        elif reference not in one.needs:
            words = f"the {what} might be sent after what names it"
            yield Unsound(subject=subject._replace(part=part), words=words)
    for need in one.needs - facts.references:
        if need.name not in snapshot.of(need.type_url):
            words = f"it waits for the {NOUNS.get(need.type_url, 'resource')} '{need.name}'"
            yield Unsound(subject=subject, words=f"{words}, and there is none")


def _addresses(listeners: Mapping[str, Facts]) -> Iterator[Unsound]:
    """No port is opened twice; one for all addresses takes the port of each."""
    first: dict[str, str] = {}
    for name, facts in listeners.items():
        for address in facts.addresses:
            if first.setdefault(address, name) != name:
                words = f"'{first[address]}' listens on {address} already"
                yield Unsound(subject=Subject(LISTENER, name), words=words)


def _scopes(
    read: Mapping[tuple[str, str], Facts], listeners: Mapping[str, Facts]
) -> Iterator[Unsound]:
    chains = [c for facts in listeners.values() for c in facts.chains]
    wanted = {c.fragments for c in chains if c.fragments is not None}
    scopes = {key: facts for (kind, key), facts in read.items() if kind == SCOPE}
    for key, facts in scopes.items():
        if facts.fragments not in wanted:
            words = f"no listener looks for a scope whose key has {facts.fragments} parts"
            yield Unsound(subject=Subject(SCOPE, key), words=words)
    for key, facts in listeners.items():
        if not scopes and any(c.fragments is not None for c in facts.chains):
            yield Unsound(
                subject=Subject(LISTENER, key), words="it looks for scopes: there is none"
            )


def _settings(
    read: Mapping[tuple[str, str], Facts], listeners: Mapping[str, Facts], *, sound: bool
) -> Iterator[Unsound]:
    """What routes set for a filter must reach one, of that kind, in each chain that uses them.

    `sound` are listeners without mistakes of their own, which a table would only repeat.
    """
    chains: dict[str, list[Chain]] = defaultdict(list)
    of_scopes = (facts for (kind, _), facts in read.items() if kind == SCOPE)
    scoped = [one.reference.name for facts in of_scopes for one in facts.named]
    for facts in listeners.values():
        for chain in facts.chains:
            for table in chain.tables if chain.fragments is None else scoped:
                chains[table].append(chain)
    for (kind, name), facts in read.items():
        if kind != ROUTES:
            continue
        subject = Subject(ROUTES, name)
        if name not in chains and sound:
            yield Unsound(subject=subject, words="no listener uses the table")
        for (name_of_filter, its), parts in facts.settings.items():
            words = _misplaced(name_of_filter, its, chains.get(name, []))
            for part in parts if words else ():
                yield Unsound(subject=subject._replace(part=part), words=words)


def _misplaced(name: str, kind: str, chains: list[Chain]) -> str:
    for chain in chains:
        wanted = chain.filters.get(name)
        if wanted is None:
            if name not in FILTERS:  # else the listener is to blame
                return f"no filter '{name}' is in the chain"
        elif wanted and kind != PER_ROUTE.get(wanted, f"{wanted}PerRoute"):
            return f"the filter '{name}' takes no {kind.rpartition('.')[2]}"
    return ""
