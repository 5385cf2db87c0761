"""Damage to the listener, and to what its filters are."""

from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthz
from envoy.extensions.filters.http.ratelimit.v3.rate_limit_pb2 import RateLimit
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext

from policies.auth.envoy import FILTER as AUTH
from policies.limits.envoy import AFTER_AUTH
from tests.controlplane.gate.damage.damage import Damage, in_listener, in_manager
from tests.controlplane.gate.damage.example import listener

_Manager = hcm_pb2.HttpConnectionManager


def _filter(manager: _Manager, name: str) -> hcm_pb2.HttpFilter:
    (found,) = (one for one in manager.http_filters if one.name == name)
    return found


def _without(manager: _Manager, name: str) -> None:
    del manager.http_filters[[one.name for one in manager.http_filters].index(name)]


def _auth_gone(manager: _Manager) -> None:
    _without(manager, AUTH)


def _router_gone(manager: _Manager) -> None:
    del manager.http_filters[-1]


def _auth_last(manager: _Manager) -> None:
    limits, auth = _filter(manager, AFTER_AUTH), _filter(manager, AUTH)
    kept = hcm_pb2.HttpFilter()
    kept.CopyFrom(limits)
    limits.CopyFrom(auth)
    auth.CopyFrom(kept)


def _auth_off(manager: _Manager) -> None:
    _filter(manager, AUTH).disabled = True


def _filter_twice(manager: _Manager) -> None:
    manager.http_filters.insert(0, _filter(manager, AUTH))


def _fails_open(manager: _Manager) -> None:
    packed = _filter(manager, AUTH).typed_config
    settings = ExtAuthz.FromString(packed.value)
    settings.failure_mode_allow = True
    packed.Pack(settings, deterministic=True)


def _no_status(manager: _Manager) -> None:
    packed = _filter(manager, AUTH).typed_config
    settings = ExtAuthz.FromString(packed.value)
    settings.ClearField("status_on_error")
    packed.Pack(settings, deterministic=True)


def _auth_of_nobody(manager: _Manager) -> None:
    packed = _filter(manager, AUTH).typed_config
    settings = ExtAuthz.FromString(packed.value)
    settings.grpc_service.envoy_grpc.cluster_name = "gone"
    packed.Pack(settings, deterministic=True)


def _limits_of_nobody(manager: _Manager) -> None:
    packed = _filter(manager, AFTER_AUTH).typed_config
    settings = RateLimit.FromString(packed.value)
    settings.rate_limit_service.grpc_service.envoy_grpc.cluster_name = "gone"
    packed.Pack(settings, deterministic=True)


def _extension_of_nobody(manager: _Manager) -> None:
    one = hcm_pb2.HttpFilter(name="gone")
    one.config_discovery.config_source.ads.SetInParent()
    one.config_discovery.type_urls.append("type.googleapis.com/" + ExtAuthz.DESCRIPTOR.full_name)
    manager.http_filters.insert(0, one)


def _other_table(manager: _Manager) -> None:
    manager.rds.route_config_name = "gone"


def _table_from_elsewhere(manager: _Manager) -> None:
    manager.rds.config_source.path_config_source.path = "/etc/routes"


def _table_inside(manager: _Manager) -> None:
    manager.route_config.CopyFrom(RouteConfiguration(name="inside"))


def _scopes_of_nobody(manager: _Manager) -> None:
    scoped = manager.scoped_routes
    scoped.name = "scopes"
    scoped.rds_config_source.ads.SetInParent()
    scoped.scoped_rds.scoped_rds_config_source.ads.SetInParent()
    part = scoped.scope_key_builder.fragments.add().header_value_extractor
    part.name = "x-scope"
    part.index = 0


def _paths_raw(manager: _Manager) -> None:
    manager.normalize_path.value = False


def _slashes_kept(manager: _Manager) -> None:
    manager.merge_slashes = False


def _slashes_escaped(manager: _Manager) -> None:
    manager.path_with_escaped_slashes_action = _Manager.KEEP_UNCHANGED


def _client_trusted(manager: _Manager) -> None:
    manager.use_remote_address.value = False


def _dots_kept(manager: _Manager) -> None:
    manager.strip_trailing_host_dot = False


def _underscores(manager: _Manager) -> None:
    manager.common_http_protocol_options.ClearField("headers_with_underscores_action")


def _identity_from_outside(manager: _Manager) -> None:
    manager.ClearField("early_header_mutation_extensions")


def _no_stat_prefix(manager: _Manager) -> None:
    manager.stat_prefix = ""


def _headers_too_large(manager: _Manager) -> None:
    manager.max_request_headers_kb.value = 10_000


def _streams_of_nothing(manager: _Manager) -> None:
    manager.http2_protocol_options.initial_stream_window_size.value = 1


def _mapper_of_nothing(manager: _Manager) -> None:
    manager.local_reply_config.mappers[0].ClearField("filter")


def _no_chain(one: Listener) -> None:
    one.ClearField("filter_chains")


def _no_http(one: Listener) -> None:
    del one.filter_chains[0].filters[:]


def _filter_of_nobody(one: Listener) -> None:
    one.filter_chains[0].filters[0].typed_config.Clear()


def _no_port(one: Listener) -> None:
    one.address.socket_address.port_value = 0


def _large_port(one: Listener) -> None:
    one.address.socket_address.port_value = 70_000


def _name_as_address(one: Listener) -> None:
    one.address.socket_address.address = "gateway.internal"


def _no_address(one: Listener) -> None:
    one.ClearField("address")


def _unbound(one: Listener) -> None:
    one.bind_to_port.value = False


def _two_chains(one: Listener) -> None:
    one.filter_chains.add().CopyFrom(one.filter_chains[0])


def _certificate_of_nobody(one: Listener) -> None:
    socket = one.filter_chains[0].transport_socket
    context = DownstreamTlsContext()
    secret = context.common_tls_context.tls_certificate_sds_secret_configs.add(name="gone")
    secret.sds_config.ads.SetInParent()
    socket.name = "envoy.transport_sockets.tls"
    socket.typed_config.Pack(context)


def _certificate_without_key(one: Listener) -> None:
    socket = one.filter_chains[0].transport_socket
    context = DownstreamTlsContext()
    certificate = context.common_tls_context.tls_certificates.add()
    certificate.certificate_chain.inline_string = "no certificate"
    socket.name = "envoy.transport_sockets.tls"
    socket.typed_config.Pack(context)


_MANAGERS = (
    ("chain-without-auth", _auth_gone),
    ("chain-without-router", _router_gone),
    ("limits-before-auth", _auth_last),
    ("auth-off-in-the-chain", _auth_off),
    ("auth-twice", _filter_twice),
    ("auth-that-fails-open", _fails_open),
    ("auth-without-503", _no_status),
    ("auth-of-no-cluster-there-is", _auth_of_nobody),
    ("limits-of-no-cluster-there-is", _limits_of_nobody),
    ("extension-that-is-not", _extension_of_nobody),
    ("table-in-the-listener", _table_inside),
    ("scopes-that-are-not", _scopes_of_nobody),
    ("paths-not-normalised", _paths_raw),
    ("slashes-not-merged", _slashes_kept),
    ("escaped-slashes-kept", _slashes_escaped),
    ("client-says-who-it-is", _client_trusted),
    ("host-with-a-dot", _dots_kept),
    ("headers-with-underscores", _underscores),
    ("identity-from-outside", _identity_from_outside),
    ("no-stat-prefix", _no_stat_prefix),
    ("headers-too-large", _headers_too_large),
    ("window-of-nothing", _streams_of_nothing),
    ("mapper-of-nothing", _mapper_of_nothing),
)

_LISTENERS = (
    ("listener-without-chain", _no_chain),
    ("listener-without-http", _no_http),
    ("listener-with-a-filter-of-nobody", _filter_of_nobody),
    ("listener-on-no-port", _no_port),
    ("listener-on-a-large-port", _large_port),
    ("listener-on-a-name", _name_as_address),
    ("listener-on-nothing", _no_address),
    ("listener-unbound", _unbound),
    ("listener-with-two-chains", _two_chains),
    ("certificate-that-is-not", _certificate_of_nobody),
    ("certificate-without-key", _certificate_without_key),
)

_NO_TABLE = "the listener names no table there: `of_paging` has what it names"

OF_LISTENERS = (
    Damage(
        name="table-that-is-not",
        apply=in_manager(_other_table),
        blamed=listener(),
        plain_alone=_NO_TABLE,
    ),
    Damage(
        name="table-from-elsewhere",
        apply=in_manager(_table_from_elsewhere),
        blamed=listener(),
        plain_alone=_NO_TABLE,
    ),
    *(Damage(name=n, apply=in_manager(c), blamed=listener()) for n, c in _MANAGERS),
    *(Damage(name=n, apply=in_listener(c), blamed=listener()) for n, c in _LISTENERS),
)
