"""Hosts by who answers for them on both sides: exact, else the longest wildcard, else any."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from controlplane.plan.plan import Plan, VirtualHost

Held = TypeVar("Held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Hosts that the same two virtual hosts answer for; None where it is a 404 for all."""

    domains: tuple[str, ...]
    before: VirtualHost | None
    after: VirtualHost | None


def regions(before: Plan, after: Plan) -> tuple[Region, ...]:
    """Every host there is, in as few regions as tell all differences."""
    old, new = _by_domain(before), _by_domain(after)
    domains = old.keys() | new.keys()
    found: dict[tuple[str, str], Region] = {}
    for domain in sorted(domains):
        host = host_of(domain, domains)
        pair = (serving(old, host), serving(new, host))
        key = (pair[0].name if pair[0] else "", pair[1].name if pair[1] else "")
        known = found[key].domains if key in found else ()
        found[key] = Region(domains=(*known, domain), before=pair[0], after=pair[1])
    return tuple(found.values())


def host_of(domain: str, domains: Iterable[str]) -> str:
    """A host of a domain that no narrower one of `domains` holds."""
    if not domain.startswith("*"):
        return domain
    every = {one: one for one in domains}
    tried = (f"any{number or ''}{domain[1:]}" for number in range(len(every) + 1))
    return next(host for host in tried if serving(every, host) == domain)


def serving(by_domain: Mapping[str, Held], host: str) -> Held | None:
    """What stands for a host."""
    return next((by_domain[d] for d in _from_narrow(host) if d in by_domain), None)


def _from_narrow(host: str) -> Iterator[str]:
    yield host
    labels = host.split(".")
    for at in range(1, len(labels)):
        yield f"*.{'.'.join(labels[at:])}"
    yield "*"


def _by_domain(plan: Plan) -> Mapping[str, VirtualHost]:
    return {domain: host for host in plan.hosts for domain in host.domains}
