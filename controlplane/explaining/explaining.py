"""A plan made to be asked what becomes of requests."""

import re
from dataclasses import replace

from controlplane.compile.standing import NO_HOST
from controlplane.compile.streams import upgrades
from controlplane.explaining.arriving import Arrived, Refused, arrived
from controlplane.explaining.grpc import Heard, heard
from controlplane.explaining.outcome import outcome, settings
from controlplane.explaining.preflight import preflight
from controlplane.explaining.request import Request
from controlplane.explaining.told import Forwarded, Outcome, Refusal, Responded, Told
from controlplane.explaining.tried import Step, Tried, nearest_path, steps, tried
from controlplane.plan.plan import (
    Entry,
    MethodNotAllowed,
    Plan,
    PlannedRoute,
    Preflight,
    VirtualHost,
)
from language.hosts import HOST_REGEX
from language.suggest import nearest
from policies.headers.spec import HeaderOperations

_HOST = re.compile(HOST_REGEX)
ANY = "*"


class Explaining:
    """The routes of a plan by host; a host's are made ready when it is first asked for.

    `paged` is whether they are served in pages.
    """

    def __init__(self, plan: Plan, *, paged: bool = False) -> None:
        self._paged = paged
        self._hops = plan.listen.trusted_hops
        self._hosts = {domain: host for host in plan.hosts for domain in host.domains}
        suffixes = (d.removeprefix("*") for d in self._hosts if d.startswith("*."))
        self._suffixes = sorted(suffixes, key=len, reverse=True)
        self._ready: dict[str, tuple[Step, ...]] = {}

    def told(self, request: Request) -> Told:
        """Tell what becomes of a request."""
        found = arrived(request, self._hops, paged=self._paged)
        if isinstance(found, Refused):
            refusal = Refusal(status=found.status, why=found.why, location=found.location)
            said = heard(found.content_type, found.status, body=found.filtered)
            return Told(request=request, outcome=refusal, grpc=said)
        told = self._routed(request, found)
        return replace(told, grpc=_heard(told, found))

    def _routed(self, request: Request, found: Arrived) -> Told:
        domain = self._domain(found.host)
        if domain is None:
            near = nearest(found.host, sorted(self._hosts)) or ""
            refusal = Refusal(status=404, why=f"no route is for the host '{found.host}'")
            return Told(request=request, outcome=refusal, arrived=found, near_host=near)
        host = self._hosts[domain]
        if _guards_hosts(host) and not _HOST.fullmatch(found.authority):
            why = f"'{found.authority}' is no host"
            refusal = Refusal(status=400, why=why, rule=NO_HOST)
            return Told(request=request, outcome=refusal, arrived=found, host=host, domain=domain)
        ready = self._steps(host)
        result = tried(ready, found)
        lonely = result.winner is None and not result.lost
        return Told(
            request=request,
            outcome=_outcome(result, found),
            arrived=found,
            host=host,
            domain=domain,
            winner=result.winner,
            lost=result.lost,
            near=nearest_path(ready, found) if lonely else None,
            response=_response(result.winner),
        )

    def _steps(self, host: VirtualHost) -> tuple[Step, ...]:
        if host.name not in self._ready:
            self._ready[host.name] = steps(host.entries)
        return self._ready[host.name]

    def _domain(self, host: str) -> str | None:
        """The exact host, then the longest wildcard, then any; none of them falls to the next."""
        if host in self._hosts and not host.startswith("*"):
            return host
        for suffix in self._suffixes:
            if len(host) > len(suffix) and host.endswith(suffix):
                return f"*{suffix}"
        return ANY if ANY in self._hosts else None


def _guards_hosts(host: VirtualHost) -> bool:
    return any(domain.startswith("*") for domain in host.domains)


def _outcome(result: Tried, request: Arrived) -> Outcome:
    winner = result.winner
    if winner is not None and request.upgrade and not _takes(winner, request.upgrade):
        why = f"it does not take upgrades to '{request.upgrade}'"
        return Refusal(status=403, why=why, rule=winner.rule)
    if isinstance(winner, PlannedRoute):
        return outcome(winner, request)
    if isinstance(winner, MethodNotAllowed):
        why = f"no route of this path takes {request.method}"
        return Refusal(status=405, why=why, rule=winner.rule, allow=winner.allow)
    if isinstance(winner, Preflight):
        return preflight(winner, request)
    why = "no route has this path"
    if result.lost:
        why = "the routes of this path want other headers or parameters"
    return Refusal(status=404, why=why)


def _takes(winner: Entry, protocol: str) -> bool:
    return isinstance(winner, PlannedRoute) and protocol in upgrades(winner)


def _heard(told: Told, request: Arrived) -> Heard | None:
    """How a caller of gRPC hears what no backend has said.

    gRPC-Web knows no upgrades; what is said to one differs between the layouts, and is not told.
    """
    outcome = told.outcome
    preflight = isinstance(told.winner, Preflight) and isinstance(outcome, Responded)
    if isinstance(outcome, Forwarded) or preflight:  # Envoy's CORS filter asks nobody
        return None
    body = isinstance(outcome, Refusal) or (isinstance(outcome, Responded) and bool(outcome.body))
    kind = request.headers.get("content-type", ("",))[0]
    seen = body and request.method != "HEAD" and not request.upgrade
    return heard(kind, outcome.status, body=seen)


def _response(winner: Entry | None) -> HeaderOperations:
    if not isinstance(winner, PlannedRoute) or winner.held:
        return HeaderOperations()
    found: HeaderOperations | None = settings(winner).get("response")
    return found or HeaderOperations()
