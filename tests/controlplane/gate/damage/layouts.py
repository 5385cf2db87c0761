"""The gateway that is damaged in both layouts, and where a part of the plain table is in pages."""

from dataclasses import dataclass

from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane import layout
from controlplane.build import Build, Options
from controlplane.compile.pages.names import DISPATCHER
from controlplane.plan.plan import PlannedRoute
from controlplane.snapshot import ROUTES, Snapshot, Subject
from tests.controlplane.gate.damage.example import TABLE, TRUST, WHOLE
from tests.controlplane.small_pages import in_pages

PAGED: Build = in_pages(WHOLE, Options(loopback=True, trust_store=TRUST))
FIRST = f"{TABLE}/{DISPATCHER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """The gateway in one layout."""

    name: str
    build: Build

    @property
    def snapshot(self) -> Snapshot:
        """What is damaged."""
        assert self.build.snapshot is not None
        return self.build.snapshot


PLAIN, PAGES = Laid(name="plain", build=WHOLE), Laid(name="pages", build=PAGED)


def paged() -> Snapshot:
    """The gateway in pages."""
    return PAGES.snapshot


def written(part: str, whole: Snapshot | None = None) -> Subject:
    """A part of the plain table: there, or in the first page that has it."""
    tables = (whole or paged()).of(ROUTES)
    if TABLE in tables:
        return Subject(ROUTES, TABLE, part)
    for name, one in tables.items():
        table = RouteConfiguration.FromString(one.body)
        parts = {h.name for h in table.virtual_hosts}
        parts |= {f"{h.name}/{r.name}" for h in table.virtual_hosts for r in h.routes}
        if name != FIRST and (not part or part in parts):
            return Subject(ROUTES, name, part)
    raise AssertionError(part)


def chosen_by(whole: Snapshot, part: str = "") -> Subject:
    """The table that a request meets first, or a part of it: that of all hosts."""
    return Subject(ROUTES, TABLE if TABLE in whole.of(ROUTES) else FIRST, part)


def dispatched(path: str) -> tuple[Subject, str]:
    """The dispatcher's part for the page of a route, and the page's table."""
    rule = next(s for s in PAGED.provenance if s == written(rule_of(path)))
    host = rule.part.partition("/")[0]
    return Subject(ROUTES, FIRST, f"{host}/d-{layout.page(rule.name)}"), rule.name


def rule_of(path: str) -> str:
    """A route as a part of a table, by its path."""
    assert WHOLE.plan is not None
    for host in WHOLE.plan.hosts:
        for entry in host.entries:
            if isinstance(entry, PlannedRoute) and path == entry.route.path.text:
                return f"{host.name}/{entry.rule}"
    raise AssertionError(path)


TO_USERS, USERS = dispatched("/users/{id}")
TO_ORDERS, ORDERS = dispatched("/orders/**")
