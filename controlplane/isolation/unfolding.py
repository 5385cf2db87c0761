"""What was rewritten in one table, put back into the pages that it is in.

Pages keep their names, and so what needs them: a page is named for the paths that it is asked for.
What stands in for a rule may take more than the rule did, and then stands in more pages.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane import layout
from controlplane.compile.standing import NO_HOST
from controlplane.isolation.folded import Folded, Tables
from controlplane.isolation.hosts import read
from controlplane.isolation.paging import Page, let_in, paged


def unfold(folded: Folded, new: Tables) -> Tables:
    """Give all tables as they are to be written, `new` as they are to read."""
    out = {name: new.get(name, table) for name, table in folded.written.items()}
    for base, pages in folded.pages.items():
        before = {h.name: h for h in folded.tables[base].virtual_hosts}
        hosts = [_rewritten(before.get(h.name), h) for h in new[base].virtual_hosts]
        upgrades = {}
        for name, page in pages.items():
            domains = {d for host in page.table.virtual_hosts for d in host.domains}
            rules = {route.name for h in page.table.virtual_hosts for route in h.routes}
            mine = [one for one in hosts if domains.intersection(one.message.domains)]
            if not any(one.concerns(page, rules) for one in mine):
                continue
            chosen = [(one.message, one.chosen(page, rules)) for one in mine]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rewritten:
    """A virtual host as it is to read: its routes rule by rule, and which rules are others now.

    `gone` are rules that it had; `other` is whether it is another as a whole.
    """

    message: pb.VirtualHost
    runs: tuple[tuple[str, tuple[pb.Route, ...]], ...]
    altered: Mapping[str, tuple[pb.Route, ...]]
    gone: frozenset[str]
    other: bool

    def concerns(self, page: Page, rules: AbstractSet[str]) -> bool:
        """Whether a page that has some rules is not as it was."""
        if self.other or self.gone & rules:
            return True
        return any(rule in rules or page.takes(some) for rule, some in self.altered.items())

    def chosen(self, page: Page, rules: AbstractSet[str]) -> list[pb.Route]:
        """Give what the page must have: its own rules, and what it may be asked for now."""
        wide = {rule for rule, some in self.altered.items() if page.takes(some)}
        mine = (rules | wide) - {NO_HOST}
        return [route for rule, some in self.runs if rule in mine for route in some]


def _rewritten(before: pb.VirtualHost | None, after: pb.VirtualHost) -> _Rewritten:
    now = read(after).rules
    was = {} if before is None else read(before).rules
    return _Rewritten(
        message=after,
        runs=tuple((rule, tuple(some)) for rule, some in groupby(after.routes, lambda r: r.name)),
        altered={rule: some for rule, some in now.items() if was.get(rule) != some},
        gone=frozenset(was.keys() - now.keys()),
        other=before is None or [*before.domains] != [*after.domains],
    )


def parts_in(tables: Tables, pages: Iterable[str]) -> Mapping[str, list[str]]:
    """The pages that hold each part of tables: a virtual host, or a rule of one."""
    out: dict[str, list[str]] = {}
    for name in pages:
        for host in tables[name].virtual_hosts:
            rules = dict.fromkeys(route.name for route in host.routes)
            for part in (host.name, *(f"{host.name}/{rule}" for rule in rules)):
                out.setdefault(part, []).append(name)
    return out


def _page(
    page: Page, hosts: list[tuple[pb.VirtualHost, list[pb.Route]]], *, upgraded: bool
) -> RouteConfiguration:
    out = RouteConfiguration()
    out.CopyFrom(page.table)
    del out.virtual_hosts[:]
    rest = list(page.rest())
    for host, routes in hosts:
        one = out.virtual_hosts.add(name=host.name, domains=host.domains)
        one.routes.extend([*paged(routes, upgraded=upgraded), *rest])
    return out
