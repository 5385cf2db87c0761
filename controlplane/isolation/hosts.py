"""A virtual host, read: its routes by their rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

Routes = tuple[pb.Route, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A virtual host; a policy may make several routes of one rule.

    Of `scattered` rules the routes do not follow each other: other routes stand between them.
    """

    message: pb.VirtualHost
    rules: Mapping[str, Routes]
    scattered: frozenset[str]

    def of(self, rule: str) -> Routes:
        """All routes of a rule, none where it has none."""
        return self.rules.get(rule, ())


def read(message: pb.VirtualHost) -> Host:
    """Read one."""
    rules: dict[str, list[pb.Route]] = {}
    scattered = set()
    last = ""
    for route in message.routes:
        if route.name in rules and route.name != last:
            scattered.add(route.name)
        rules.setdefault(route.name, []).append(route)
        last = route.name
    return Host(
        message=message,
        rules={rule: tuple(found) for rule, found in rules.items()},
        scattered=frozenset(scattered),
    )


def by_domain(table: RouteConfiguration | None) -> Mapping[str, Host]:
    """The virtual hosts of a table by each of their domains."""
    hosts = [] if table is None else [read(one) for one in table.virtual_hosts]
    return {domain: host for host in hosts for domain in host.message.domains}


def with_routes(message: pb.VirtualHost, routes: Iterable[pb.Route]) -> pb.VirtualHost:
    """A virtual host with other routes."""
    out = pb.VirtualHost()
    out.CopyFrom(message)
    del out.routes[:]
    out.routes.extend(routes)
    return out


def with_domains(message: pb.VirtualHost, name: str, domains: Sequence[str]) -> pb.VirtualHost:
    """A virtual host for other domains."""
    out = pb.VirtualHost()
    out.CopyFrom(message)
    out.name = name
    del out.domains[:]
    out.domains.extend(domains)
    return out
