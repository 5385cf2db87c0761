"""Foregate's own services: the clusters that Envoy calls, and what the services themselves get."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from controlplane.compile.halves import service_steps
from controlplane.memo import Memo
from controlplane.model.gateway import Setting
from controlplane.plan.names import values
from controlplane.plan.plan import Plan, PlannedRoute, VirtualHost
from controlplane.snapshot import ENDPOINTS, Resource, Snapshot, Subject, resource, snapshot
from language.places import Place
from policies.auth.envoy import key_sources
from policies.auth.sources import KeySource
from policies.contract import ServiceResource
from protos import EXTAUTHZ, RATELIMIT

ROLES = (EXTAUTHZ, RATELIMIT)
_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_UNIX = "unix:"


def cluster_name(role: str) -> str:
    """The name of a service's cluster; no backend has it, as their names hold no colon."""
    return f"foregate:{role}"


def service_cluster(role: str) -> Cluster:
    """The cluster of a service: always there, its members come by EDS from who is connected.

    The panic threshold stays at Envoy's 50 %: a lone sick instance is still called, and a call
    that it fails is a denial.
    """
    out = Cluster(name=cluster_name(role), type=Cluster.EDS)
    out.connect_timeout.FromMilliseconds(250)
    out.eds_cluster_config.eds_config.ads.SetInParent()
    out.eds_cluster_config.eds_config.resource_api_version = ApiVersion.V3
    protocol = HttpProtocolOptions()
    protocol.explicit_http_config.http2_protocol_options.SetInParent()
    out.typed_extension_protocol_options[_HTTP].Pack(protocol, deterministic=True)
    # who left the endpoints is gone: else Envoy would call it until its health check notices
    out.ignore_health_on_host_removal = True
    # one of several that stalls is left out after three calls; a lone one never is
    ejected = out.outlier_detection
    ejected.consecutive_gateway_failure.value = 3
    ejected.enforcing_consecutive_gateway_failure.value = 100
    ejected.enforcing_consecutive_5xx.value = 0
    ejected.enforcing_success_rate.value = 0
    ejected.max_ejection_percent.value = 50
    ejected.interval.seconds = 1
    ejected.base_ejection_time.seconds = 2
    ejected.max_ejection_time.seconds = 5
    check = out.health_checks.add()
    check.timeout.seconds = 1
    check.interval.seconds = 2
    check.no_traffic_interval.seconds = 2
    check.unhealthy_threshold.value = 2
    check.healthy_threshold.value = 1
    check.grpc_health_check.authority = role
    return out


def members(role: str, addresses: Iterable[str], salt: str) -> Resource:
    """The endpoints of a service: `unix:/path` or `host:port` each; salted with its cluster."""
    out = ClusterLoadAssignment(cluster_name=cluster_name(role))
    for text in sorted(addresses):
        locality = out.endpoints[0] if out.endpoints else out.endpoints.add()
        address = locality.lb_endpoints.add().endpoint.address
        if text.startswith(_UNIX):
            address.pipe.path = text.removeprefix(_UNIX)
            continue
        host, _, port = text.rpartition(":")
        address.socket_address.address = str(ip_address(host.strip("[]")))
        address.socket_address.port_value = int(port)
    return resource(ENDPOINTS, out.cluster_name, out, salt=salt)


def addresses(endpoints: Resource) -> tuple[str, ...]:
    """Read back what `members` made."""
    found = []
    for locality in ClusterLoadAssignment.FromString(endpoints.body).endpoints:
        for one in locality.lb_endpoints:
            address = one.endpoint.address
            host = address.socket_address.address
            shown = f"[{host}]" if ":" in host else host
            port = address.socket_address.port_value
            found.append(f"{_UNIX}{address.pipe.path}" if address.pipe.path else f"{shown}:{port}")
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the services get, and the lines that call each, by role; where keys come from."""

    snapshots: Mapping[str, Snapshot]
    callers: Mapping[str, tuple[Place, ...]]
    key_sources: tuple[KeySource, ...]
    provenance: Mapping[Subject, tuple[Place, ...]]


def services(plan: Plan, memo: Memo) -> Services:
    """Everything that the policies serve to services."""
    made: dict[str, list[Resource]] = {role: [] for role in ROLES}
    provenance: dict[Subject, tuple[Place, ...]] = {}
    names = values(plan.named)
    by_key: dict[str, dict[int, list[Setting]]] = defaultdict(dict)
    callers: dict[str, dict[Place, None]] = {role: {} for role in ROLES}
    for asked in [memo(_asked, host) for host in plan.hosts]:
        for setting in asked.settings:
            by_key[setting.key].setdefault(id(setting.value), []).append(setting)
        for role, places in asked.callers.items():
            callers[role].update(dict.fromkeys(places))
    for key, step in service_steps().items():
        settings = tuple(found[0].value for found in by_key[key].values())
        for one in step(settings, names, plan.when_down):
            made[one.role].append(resource(one.type_url, one.name, one.message))
            places = _places(plan, one, by_key[key])
            provenance[Subject(one.type_url, one.name)] = places
    return Services(
        snapshots={role: snapshot(found) for role, found in made.items()},
        callers={role: tuple(places) for role, places in callers.items()},
        key_sources=key_sources((s[0].value for s in by_key["auth"].values()), names),
        provenance=provenance,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the routes of a host ask of services: settings, each once, and the lines that call."""

    settings: tuple[Setting, ...]
    callers: Mapping[str, tuple[Place, ...]]


def _asked(host: VirtualHost) -> _Asked:
    steps = service_steps()
    routes = [entry for entry in host.entries if isinstance(entry, PlannedRoute)]
    settings = {id(s): s for route in routes for s in route.settings if s.key in steps}
    placed = [p for route in routes for p in route.placements]
    callers = {role: dict.fromkeys(p.place for p in placed if p.where == role) for role in ROLES}
    return _Asked(
        settings=tuple(settings.values()),
        callers={role: tuple(places) for role, places in callers.items()},
    )


def _places(
    plan: Plan, one: ServiceResource, by_value: Mapping[int, list[Setting]]
) -> tuple[Place, ...]:
    found = [s.place for value in one.settings for s in by_value.get(id(value), ())]
    found += [plan.named[kind][name].place for kind, name in one.names]
    return tuple(dict.fromkeys(found))
