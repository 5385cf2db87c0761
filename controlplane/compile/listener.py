"""The listener: hardened, and constant, so that no change of routes ever drains a connection."""

from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.core.v3.protocol_pb2 import Http2ProtocolOptions, HttpProtocolOptions
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.rbac.v3 import rbac_pb2 as rules
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import Buffer
from envoy.extensions.filters.http.grpc_web.v3.grpc_web_pb2 import GrpcWeb
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    header_mutation_pb2 as early_pb2,
)
from google.protobuf.message import Message

from controlplane.compile.answers import local_replies
from controlplane.compile.halves import filters
from controlplane.compile.options import Options
from controlplane.compile.pages import selection
from controlplane.plan.plan import Plan
from policies.edge import STRIPPED_AT_THE_EDGE, STRIPPED_PREFIXES

ROUTES_NAME = "http"
BUFFER = "envoy.filters.http.buffer"
GRPC_WEB = "envoy.filters.http.grpc_web"
TRACE = "foregate.trace"

BODY_BYTES = 8 * 1024 * 1024
"""The most that a request's body may hold; a request is held back until its body is whole."""


def listener(plan: Plan, options: Options, *, paged: bool = False) -> Listener:
    """The one listener for plain HTTP; `paged` where its routes stand in pages.

    Its name holds its address: the same name at a new address would close the old port at once.
    """
    address = plan.listen.http
    host = address.host or ("127.0.0.1" if options.loopback else "0.0.0.0")  # noqa: S104 # a gateway listens for others
    out = Listener(name=f"http-{host}-{address.port}")
    out.address.socket_address.address = host
    out.address.socket_address.port_value = address.port
    if host == "::":
        out.address.socket_address.ipv4_compat = True
    out.per_connection_buffer_limit_bytes.value = 32 * 1024
    one = out.filter_chains.add(name="http").filters.add(
        name="envoy.filters.network.http_connection_manager"
    )
    one.typed_config.Pack(_manager(plan, paged=paged), deterministic=True)
    return out


def _manager(plan: Plan, *, paged: bool) -> hcm_pb2.HttpConnectionManager:
    trusted_hops = plan.listen.trusted_hops
    out = hcm_pb2.HttpConnectionManager(
        stat_prefix="http",
        xff_num_trusted_hops=trusted_hops,
        merge_slashes=True,
        path_with_escaped_slashes_action=(
            hcm_pb2.HttpConnectionManager.PathWithEscapedSlashesAction.UNESCAPE_AND_REDIRECT
        ),
        strip_trailing_host_dot=True,
        server_header_transformation=hcm_pb2.HttpConnectionManager.PASS_THROUGH,
    )
    out.normalize_path.value = True
    out.use_remote_address.value = True
    out.max_request_headers_kb.value = 60
    out.request_headers_timeout.seconds = 10
    out.stream_idle_timeout.seconds = 300
    nobody = out.internal_address_config.cidr_ranges.add(address_prefix="255.255.255.255")
    nobody.prefix_len.value = 32
    if paged:
        out.scoped_routes.CopyFrom(selection.scoped_routes())
    else:
        out.rds.route_config_name = ROUTES_NAME
        out.rds.config_source.ads.SetInParent()
        out.rds.config_source.resource_api_version = ApiVersion.V3
        out.rds.config_source.initial_fetch_timeout.seconds = 0  # no port opens without its routes
    common = out.common_http_protocol_options
    common.idle_timeout.seconds = 300
    common.max_headers_count.value = 100
    common.headers_with_underscores_action = HttpProtocolOptions.REJECT_REQUEST
    out.http2_protocol_options.CopyFrom(_http2())
    out.local_reply_config.CopyFrom(local_replies())
    early = out.early_header_mutation_extensions.add(
        name="envoy.http.early_header_mutation.header_mutation"
    )
    stripped = _stripped(trusted_hops)
    if paged:
        stripped.mutations.append(selection.first_page())
        out.http_filters.extend(selection.filters())
    early.typed_config.Pack(stripped, deterministic=True)
    # a client would see what proxies add to its request, and no backend needs that
    _add_filter(out, TRACE, _untraced())
    # before all that answers, so that their answers are translated too
    _add_filter(out, GRPC_WEB, GrpcWeb())
    out.http_filters.extend(filters(plan.when_down))
    _add_filter(out, BUFFER, whole_bodies())
    # off unless a route says otherwise: what needs no backend is answered from the head. Routes of
    # pages can only switch filters off, as Envoy makes the chain before it knows the page.
    out.http_filters[-1].disabled = not paged
    _add_filter(out, "envoy.filters.http.router", Router(suppress_envoy_headers=True))
    return out


def _http2() -> Http2ProtocolOptions:
    out = Http2ProtocolOptions()
    out.max_concurrent_streams.value = 100
    # one invalid stream ends alone; an invalid HTTP/1.1 message ends its connection
    out.override_stream_error_on_invalid_http_message.value = True
    out.initial_stream_window_size.value = 64 * 1024
    out.initial_connection_window_size.value = 1024 * 1024
    return out


def _stripped(trusted_hops: int) -> early_pb2.HeaderMutation:
    out = early_pb2.HeaderMutation()
    for prefix in STRIPPED_PREFIXES:
        out.mutations.add().remove_on_match.key_matcher.prefix = prefix
    if not trusted_hops:
        for name in STRIPPED_AT_THE_EDGE:
            out.mutations.add(remove=name)
    return out


def _untraced() -> RBAC:
    """Refuse TRACE on every route (RFC 9110 section 9.3.8); Envoy itself refuses CONNECT."""
    out = RBAC()
    out.rules.action = rules.RBAC.DENY
    trace = out.rules.policies["trace"]
    trace.permissions.add().header.name = ":method"
    trace.permissions[0].header.string_match.exact = "TRACE"
    trace.principals.add().any = True
    return out


def whole_bodies() -> Buffer:
    """A request is held back until its body is whole, up to the bound."""
    out = Buffer()
    out.max_request_bytes.value = BODY_BYTES
    return out


def _add_filter(manager: hcm_pb2.HttpConnectionManager, name: str, settings: Message) -> None:
    manager.http_filters.add(name=name).typed_config.Pack(settings, deterministic=True)
