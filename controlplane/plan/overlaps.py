"""Hosts that a wildcard takes too: their requests never reach the routes of the wildcard."""

from collections.abc import Iterator, Mapping, Sequence

from controlplane.memo import Memo
from controlplane.model.gateway import Route
from controlplane.plan.plan import PlannedRoute, VirtualHost
from language.mistakes import Mistake
from language.places import Place


def overlaps(hosts: Sequence[VirtualHost], memo: Memo) -> Iterator[Mistake]:
    """Warn once of each host beside whose routes a wildcard has others.

    Of `*` nothing is said: it is for whatever has no routes of its own.
    """
    if not any(domain.startswith("*.") for host in hosts for domain in host.domains):
        return
    claims = {domain: memo(_claims, host) for host in hosts for domain in host.domains}
    for domain, own in claims.items():
        for wildcard in _wildcards(domain):
            theirs = (r for r in claims.get(wildcard, {}).values() if wildcard in r.hosts)
            passed = (route for route in theirs if domain not in route.hosts)
            other = next(passed, None)
            mine = next((route for route in own.values() if domain in route.hosts), None)
            if other is not None and mine is not None:
                yield Mistake(
                    place=_place(mine, domain),
                    width=len(domain),
                    message=f"no request to {domain} reaches the routes of {wildcard}: "
                    "the most specific host has them all",
                    hint="write what both share for both hosts, or leave one host out",
                    also=(_place(other, wildcard),),
                    severity="warning",
                )
                break


def _claims(host: VirtualHost) -> Mapping[tuple[str, ...], Route]:
    """The first route in file order of each list of hosts; what is held does not count."""
    routes = (e.route for e in host.entries if isinstance(e, PlannedRoute) and not e.held)
    found: dict[tuple[str, ...], Route] = {}
    for route in routes:
        if route.hosts not in found or route.place < found[route.hosts].place:
            found[route.hosts] = route
    return found


def _wildcards(domain: str) -> Iterator[str]:
    """The wildcards that take a host too, the nearest first."""
    labels = domain.removeprefix("*.").split(".")
    first = 0 if domain.startswith("*.") else 1
    yield from (
        w for n in range(first, len(labels)) if (w := f"*.{'.'.join(labels[n:])}") != domain
    )


def _place(route: Route, domain: str) -> Place:
    return route.host_places[route.hosts.index(domain)]
