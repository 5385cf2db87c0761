"""Damage to clusters and their endpoints."""

from collections.abc import Callable

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.address_pb2 import Address
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext

from tests.controlplane.gate.damage.damage import Damage, in_cluster, in_endpoints
from tests.controlplane.gate.damage.example import cluster, endpoints


def _no_time(one: Cluster) -> None:
    one.connect_timeout.seconds = 0


def _negative_time(one: Cluster) -> None:
    one.connect_timeout.nanos = -1


def _from_elsewhere(one: Cluster) -> None:
    one.eds_cluster_config.eds_config.api_config_source.cluster_names.append("elsewhere")


def _of_a_file(one: Cluster) -> None:
    one.eds_cluster_config.eds_config.path_config_source.path = "/etc/endpoints"


def _other_endpoints(one: Cluster) -> None:
    one.eds_cluster_config.service_name = "gone"


def _no_members(one: Cluster) -> None:
    one.load_assignment.ClearField("endpoints")


def _no_port(one: Cluster) -> None:
    member = one.load_assignment.endpoints[0].lb_endpoints[0]
    member.endpoint.address.socket_address.port_value = 0


def _name_as_address(one: Cluster) -> None:
    one.ClearField("cluster_type")
    one.type = Cluster.STATIC


def _no_type(one: Cluster) -> None:
    one.cluster_type.name = "envoy.cluster.nobody"
    one.cluster_type.ClearField("typed_config")


def _balance_of_nobody(one: Cluster) -> None:
    one.lb_policy = Cluster.CLUSTER_PROVIDED


def _protocol_of_nobody(one: Cluster) -> None:
    one.typed_extension_protocol_options["envoy.nobody"].Pack(UpstreamTlsContext())


def _check_of_nothing(one: Cluster) -> None:
    one.health_checks[0].http_health_check.path = ""


def _check_never(one: Cluster) -> None:
    one.health_checks[0].ClearField("interval")


def _check_without_threshold(one: Cluster) -> None:
    one.health_checks[0].ClearField("unhealthy_threshold")


def _check_status(one: Cluster) -> None:
    one.health_checks[0].http_health_check.retriable_statuses.add(start=500, end=400)


def _ejected_over_all(one: Cluster) -> None:
    one.outlier_detection.max_ejection_percent.value = 101


def _swept_never(one: Cluster) -> None:
    one.outlier_detection.interval.seconds = 0


def _panic_over_all(one: Cluster) -> None:
    one.common_lb_config.healthy_panic_threshold.value = 150


def _tls(change: Callable[[UpstreamTlsContext], object]) -> Callable[[Cluster], None]:
    def inner(one: Cluster) -> None:
        packed = one.transport_socket.typed_config
        context = UpstreamTlsContext.FromString(packed.value)
        change(context)
        packed.Pack(context, deterministic=True)

    return inner


def _verifies_nobody(one: UpstreamTlsContext) -> None:
    one.common_tls_context.ClearField("validation_context")


def _trusts_nobody(one: UpstreamTlsContext) -> None:
    one.common_tls_context.validation_context.ClearField("trusted_ca")


def _takes_any_name(one: UpstreamTlsContext) -> None:
    one.common_tls_context.validation_context.ClearField("match_typed_subject_alt_names")


def _authorities_of_nobody(one: UpstreamTlsContext) -> None:
    one.common_tls_context.validation_context.trusted_ca.filename = "/nowhere/authorities.crt"


def _secret_of_nobody(one: UpstreamTlsContext) -> None:
    secret = one.common_tls_context.tls_certificate_sds_secret_configs.add(name="gone")
    secret.sds_config.ads.SetInParent()


def _name_too_long(one: UpstreamTlsContext) -> None:
    one.sni = "a" * 300


def _socket_of_nobody(one: Cluster) -> None:
    one.transport_socket.name = "envoy.transport_sockets.nobody"
    one.transport_socket.typed_config.Clear()


def _nobody_there(one: ClusterLoadAssignment) -> None:
    one.ClearField("endpoints")


def _endpoint_of_a_name(one: ClusterLoadAssignment) -> None:
    _first(one).socket_address.address = "users.internal"


def _endpoint_of_no_port(one: ClusterLoadAssignment) -> None:
    _first(one).socket_address.port_value = 0


def _endpoint_of_a_large_port(one: ClusterLoadAssignment) -> None:
    _first(one).socket_address.port_value = 70_000


def _endpoint_of_nothing(one: ClusterLoadAssignment) -> None:
    _first(one).ClearField("address")


def _endpoint_with_a_zone(one: ClusterLoadAssignment) -> None:
    _first(one).socket_address.address = "fe80::1%25eth0"


def _endpoint_of_no_weight(one: ClusterLoadAssignment) -> None:
    one.endpoints[0].lb_endpoints[0].load_balancing_weight.value = 0


def _first(one: ClusterLoadAssignment) -> Address:
    return one.endpoints[0].lb_endpoints[0].endpoint.address


_CLUSTERS = (
    ("cluster-without-time", "users", _no_time),
    ("cluster-with-negative-time", "named", _negative_time),
    ("endpoints-from-elsewhere", "users", _from_elsewhere),
    ("endpoints-of-a-file", "search", _of_a_file),
    ("endpoints-of-another-name", "users", _other_endpoints),
    ("cluster-of-nobody", "named", _no_members),
    ("cluster-without-port", "named", _no_port),
    ("cluster-with-a-name-as-address", "named", _name_as_address),
    ("cluster-of-no-type", "named", _no_type),
    ("balance-of-nobody", "search", _balance_of_nobody),
    ("protocol-of-nobody", "users", _protocol_of_nobody),
    ("health-check-of-nothing", "users", _check_of_nothing),
    ("health-check-never", "users", _check_never),
    ("health-check-without-threshold", "users", _check_without_threshold),
    ("health-check-of-no-status", "users", _check_status),
    ("ejected-over-all", "orders", _ejected_over_all),
    ("swept-never", "orders", _swept_never),
    ("panic-over-all", "orders", _panic_over_all),
    ("tls-that-verifies-nobody", "secure", _tls(_verifies_nobody)),
    ("tls-that-trusts-nobody", "secure", _tls(_trusts_nobody)),
    ("tls-that-takes-any-name", "secure", _tls(_takes_any_name)),
    ("tls-without-its-authorities", "secure", _tls(_authorities_of_nobody)),
    ("tls-with-a-secret-that-is-not", "secure", _tls(_secret_of_nobody)),
    ("tls-with-a-long-name", "secure", _tls(_name_too_long)),
    ("socket-of-nobody", "secure", _socket_of_nobody),
)

_ENDPOINTS = (
    ("endpoints-of-nobody", "users", _nobody_there),
    ("endpoint-of-a-name", "users", _endpoint_of_a_name),
    ("endpoint-of-no-port", "orders", _endpoint_of_no_port),
    ("endpoint-of-a-large-port", "orders", _endpoint_of_a_large_port),
    ("endpoint-of-nothing", "search", _endpoint_of_nothing),
    ("endpoint-with-a-zone", "search", _endpoint_with_a_zone),
    ("endpoint-of-no-weight", "users", _endpoint_of_no_weight),
)

OF_CLUSTERS = (
    *(Damage(name=n, apply=in_cluster(at, c), blamed=cluster(at)) for n, at, c in _CLUSTERS),
    *(Damage(name=n, apply=in_endpoints(at, c), blamed=endpoints(at)) for n, at, c in _ENDPOINTS),
)
