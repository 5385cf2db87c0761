"""What was rewritten in one table, put back into the pages that it is in.

Pages keep their names, and so what needs them: a page is named for the paths that it is asked for.
What stands in for a rule may take more than the rule did, and then stands in more pages.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane import layout
from controlplane.compile.standing import NO_HOST
from controlplane.isolation.folded import Folded, Tables
from controlplane.isolation.hosts import read, with_routes
from controlplane.isolation.paging import Page, let_in, paged


def unfold(folded: Folded, new: Tables) -> Tables:
    """Give all tables as they are to be written, `new` as they are to read."""
    out = {name: new.get(name, table) for name, table in folded.written.items()}
    for base, pages in folded.pages.items():
        before = {h.name: h for h in folded.tables[base].virtual_hosts}
        altered = {h.name: _altered(before.get(h.name), h) for h in new[base].virtual_hosts}
        changed = _changed(folded.tables[base], new[base])
        upgrades = {}
        for name, page in pages.items():
            domains = {d for host in page.table.virtual_hosts for d in host.domains}
            mine = [h for h in new[base].virtual_hosts if domains.intersection(h.domains)]
            if changed.isdisjoint(domains):
                continue
            rules = {route.name for h in page.table.virtual_hosts for route in h.routes}
            chosen = [(h, _chosen(page, rules, altered[h.name], h.routes)) for h in mine]
            taking = [r for _, routes in chosen for r in routes if r.route.upgrade_configs]
            out[name] = _page(page, chosen, upgraded=page.upgraded or bool(taking))
            if taking:
                upgrades[layout.page(name)] = taking
        first = layout.dispatcher(base)
        if upgrades and first in out:
            dispatcher = RouteConfiguration()
            dispatcher.CopyFrom(out[first])
            let_in(dispatcher, upgrades)
            out[first] = dispatcher
    return out


def parts_in(tables: Tables, pages: Iterable[str]) -> Mapping[str, list[str]]:
    """The pages that hold each part of tables: a virtual host, or a rule of one."""
    out: dict[str, list[str]] = {}
    for name in pages:
        for host in tables[name].virtual_hosts:
            rules = dict.fromkeys(route.name for route in host.routes)
            for part in (host.name, *(f"{host.name}/{rule}" for rule in rules)):
                out.setdefault(part, []).append(name)
    return out


def _changed(before: RouteConfiguration, after: RouteConfiguration) -> set[str]:
    """The domains of the virtual hosts that are not as they were."""
    old = {host.name: host for host in before.virtual_hosts}
    new = {host.name: host for host in after.virtual_hosts}
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return {d for name in names for held in (old, new) if name in held for d in held[name].domains}


def _altered(before: pb.VirtualHost | None, after: pb.VirtualHost) -> frozenset[str]:
    """The rules of a virtual host whose routes are not as they were."""
    now = read(after).rules
    was = {} if before is None else read(before).rules
    return frozenset(rule for rule, routes in now.items() if was.get(rule) != routes)


def _chosen(
    page: Page, rules: set[str], altered: frozenset[str], routes: Iterable[pb.Route]
) -> list[pb.Route]:
    """Those of the routes that the page must have: its own, and what it may be asked for now."""
    out = []
    for rule, some in groupby(routes, key=lambda one: one.name):
        found = list(some)
        if rule != NO_HOST and (rule in rules or (rule in altered and page.takes(found))):
            out += found
    return out


def _page(
    page: Page, hosts: list[tuple[pb.VirtualHost, list[pb.Route]]], *, upgraded: bool
) -> RouteConfiguration:
    out = RouteConfiguration()
    out.CopyFrom(page.table)
    del out.virtual_hosts[:]
    rest = list(page.rest())
    for host, routes in hosts:
        made = [*paged(routes, upgraded=upgraded), *rest]
        out.virtual_hosts.append(with_routes(host, made))
    return out
