"""What a Listener says: where it listens, how hard it is, and what its filters are and name."""

from collections.abc import Iterator, Sequence

from envoy.config.common.mutation_rules.v3.mutation_rules_pb2 import HeaderMutation
from envoy.config.core.v3.config_source_pb2 import ConfigSource
from envoy.config.core.v3.grpc_service_pb2 import GrpcService
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthz
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutation as _Mutating,
)
from envoy.extensions.filters.http.ip_tagging.v3.ip_tagging_pb2 import IPTagging
from envoy.extensions.filters.http.ratelimit.v3.rate_limit_pb2 import RateLimit
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutation as _Early,
)
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import DownstreamTlsContext
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from controlplane.compile.listener import BUFFER, GRPC_WEB, TRACE
from controlplane.compile.pages.names import DISPATCHER
from controlplane.compile.pages.selection import HEADER, PAGE_FILTER, RESELECT_FILTER
from controlplane.gate.facts.cluster import from_here
from controlplane.gate.facts.facts import Chain, Facts, Named, Wrong
from controlplane.gate.facts.pages import said
from controlplane.snapshot import CLUSTER, EXTENSION, PREFIX, ROUTES, SCOPE, SECRET, Reference
from policies.auth.envoy import FILTER as AUTH
from policies.cors.envoy import FILTER as CORS
from policies.edge import STRIPPED_AT_THE_EDGE, STRIPPED_PREFIXES
from policies.headers.envoy import FILTER as HEADERS
from policies.ip.envoy import FILTER as IP
from policies.limits.envoy import AFTER_AUTH, BEFORE_AUTH

FILTERS = (
    *(TRACE, GRPC_WEB, IP, CORS, BEFORE_AUTH, AUTH, AFTER_AUTH, HEADERS, BUFFER),
    "envoy.filters.http.router",
)
"""What stands in every chain, in the order in which a request must meet it."""

FIRST = (PAGE_FILTER, RESELECT_FILTER)
"""What stands before all others where routes are in pages: the others are to see the page."""

_UNAVAILABLE = 503
_EARLY = _Early.DESCRIPTOR
_HTTP = hcm.HttpConnectionManager
_HARD = {
    "normalize_path": "paths are not normalised",
    "use_remote_address": "a client may say who it is",
}


def listener_facts(body: bytes) -> Facts:
    """Read a listener. Raises DecodeError."""
    listener = Listener.FromString(body)
    wrong: list[Wrong] = []
    named: list[Named] = []
    chains: list[Chain] = []
    for manager in _managers(listener):
        chains.append(_chain(manager))
        wrong += (Wrong("", words) for words in _soft(manager))
        wrong += (Wrong("", words) for words in _disordered(manager))
        named += (Named("", one) for one in _named(manager))
    if not chains:
        wrong.append(Wrong("", "nothing in it speaks HTTP"))
    named += (Named("", Reference(SECRET, name)) for name in _secrets(listener))
    addresses = _addresses(listener)
    if any(one.endswith(":0") for one in addresses):
        wrong.append(Wrong("", "it listens on no port"))
    if listener.HasField("bind_to_port") and not listener.bind_to_port.value:
        wrong.append(Wrong("", "it opens no port"))
    return Facts(
        name=listener.name,
        wrong=tuple(wrong),
        named=tuple(named),
        references=frozenset(one.reference for one in named),
        chains=tuple(chains),
        addresses=addresses,
    )


def _managers(listener: Listener) -> Iterator[hcm.HttpConnectionManager]:
    for chain in (*listener.filter_chains, listener.default_filter_chain):
        for one in chain.filters:
            if one.typed_config.Is(_HTTP.DESCRIPTOR):
                yield _HTTP.FromString(one.typed_config.value)


def _addresses(listener: Listener) -> tuple[str, ...]:
    every = (listener.address, *(more.address for more in listener.additional_addresses))
    sockets = [address.socket_address for address in every if address.HasField("socket_address")]
    return tuple(f"{one.address}:{one.port_value}" for one in sockets)


def _chain(manager: hcm.HttpConnectionManager) -> Chain:
    scoped = manager.HasField("scoped_routes")
    builder = manager.scoped_routes.scope_key_builder
    return Chain(
        tables=(manager.rds.route_config_name,) if manager.HasField("rds") else (),
        filters={
            f.name: f.typed_config.type_url.removeprefix(PREFIX) for f in manager.http_filters
        },
        fragments=len(builder.fragments) if scoped else None,
        hops=manager.xff_num_trusted_hops,
    )


def _named(manager: hcm.HttpConnectionManager) -> Iterator[Reference]:
    if manager.HasField("rds"):
        yield Reference(ROUTES, manager.rds.route_config_name)
    if manager.HasField("scoped_routes"):
        yield Reference(SCOPE, DISPATCHER)
    for one in manager.http_filters:
        if one.HasField("config_discovery"):
            yield Reference(EXTENSION, one.name)
        elif one.typed_config.Is(ExtAuthz.DESCRIPTOR):
            settings = ExtAuthz.FromString(one.typed_config.value)
            yield from _called(settings.grpc_service)
        elif one.typed_config.Is(RateLimit.DESCRIPTOR):
            limits = RateLimit.FromString(one.typed_config.value)
            yield from _called(limits.rate_limit_service.grpc_service)


def _called(service: GrpcService) -> Iterator[Reference]:
    if service.HasField("envoy_grpc"):
        yield Reference(CLUSTER, service.envoy_grpc.cluster_name)


def _secrets(listener: Listener) -> Iterator[str]:
    for chain in (*listener.filter_chains, listener.default_filter_chain):
        packed = chain.transport_socket.typed_config
        if packed.Is(DownstreamTlsContext.DESCRIPTOR):
            common = DownstreamTlsContext.FromString(packed.value).common_tls_context
            yield from (s.name for s in common.tls_certificate_sds_secret_configs)
            if common.HasField("validation_context_sds_secret_config"):
                yield common.validation_context_sds_secret_config.name


def _soft(manager: hcm.HttpConnectionManager) -> Iterator[str]:
    """What is not as hard as every listener is."""
    for field, words in _HARD.items():
        if not getattr(manager, field).value:
            yield words
    if not manager.merge_slashes:
        yield "slashes are not merged"
    if manager.path_with_escaped_slashes_action != _HTTP.UNESCAPE_AND_REDIRECT:
        yield "escaped slashes are not redirected"
    if not manager.strip_trailing_host_dot:
        yield "a host with a dot at its end is another host"
    options = manager.common_http_protocol_options
    if options.headers_with_underscores_action != options.REJECT_REQUEST:
        yield "headers with underscores come in"
    yield from _unstripped(manager)
    yield from _routeless(manager)


def _unstripped(manager: hcm.HttpConnectionManager) -> Iterator[str]:
    """What clients could say in the gateway's name, as nothing removes it before all else."""
    mutations = _early(manager)
    prefixes = {one.remove_on_match.key_matcher.prefix for one in mutations if _by_prefix(one)}
    names = {one.remove for one in mutations if one.WhichOneof("action") == "remove"}
    for prefix in STRIPPED_PREFIXES:
        if prefix not in prefixes:
            yield f"a client's '{prefix}*' headers are not removed from requests"
    if not manager.xff_num_trusted_hops:  # else a proxy before the gateway says these
        for name in STRIPPED_AT_THE_EDGE:
            if name not in names:
                yield f"a client's '{name}' is not removed from requests"
    written = [one for one in mutations if one.HasField("append")]
    if written and not (manager.HasField("scoped_routes") and written == [said(DISPATCHER)]):
        yield "it writes more into every request than its page"


def _early(manager: hcm.HttpConnectionManager) -> list[HeaderMutation]:
    """What is done to the headers of every request first; nothing where anybody else does it."""
    packed = [one.typed_config for one in manager.early_header_mutation_extensions]
    if len(packed) != 1 or not packed[0].Is(_EARLY):
        return []
    return [*_Early.FromString(packed[0].value).mutations]


def _by_prefix(one: HeaderMutation) -> bool:
    """Whether it removes all headers with a prefix, whatever their case: Envoy has them lower."""
    return one == HeaderMutation(
        remove_on_match=HeaderMutation.RemoveOnMatch(
            key_matcher=StringMatcher(prefix=one.remove_on_match.key_matcher.prefix)
        )
    )


def _routeless(manager: hcm.HttpConnectionManager) -> Iterator[str]:
    """What is wrong with where its routes come from."""
    kind = manager.WhichOneof("route_specifier")
    if kind == "scoped_routes":
        yield from _not_scoping(manager)
    elif kind != "rds":
        yield "its routes are part of it: a change of them would cut connections"
    elif not from_here(manager.rds.config_source):
        yield "its routes are to come from elsewhere"


def _disordered(manager: hcm.HttpConnectionManager) -> Iterator[str]:
    """What is missing in a chain, in another order, off, or open when it has no answer."""
    names = [one.name for one in manager.http_filters]
    missing = [name for name in FILTERS if name not in names]
    if missing:
        yield f"the filter '{missing[0]}' is missing"
    elif [name for name in names if name in FILTERS] != list(FILTERS):
        yield "its filters stand in another order, or twice"
    scoped = manager.HasField("scoped_routes")
    if scoped:
        yield from _not_paging(manager.http_filters)
    off = frozenset() if scoped else frozenset({BUFFER})
    for one in manager.http_filters:
        if one.name in {*FIRST, *FILTERS} and (
            one.disabled != (one.name in off) or one.is_optional
        ):
            yield f"the filter '{one.name}' is switched"
        if one.typed_config.Is(ExtAuthz.DESCRIPTOR):
            settings = ExtAuthz.FromString(one.typed_config.value)
            if settings.failure_mode_allow:
                yield "who may pass is not asked when nobody answers"
            if settings.status_on_error.code != _UNAVAILABLE:
                yield "our own failure is not answered 503"


def _not_scoping(manager: hcm.HttpConnectionManager) -> Iterator[str]:
    """What keeps a request from the dispatcher, or lets a client choose its page."""
    scoped = manager.scoped_routes
    if not all(map(from_here, (scoped.rds_config_source, _source(scoped)))):
        yield "its routes are to come from elsewhere"
    wanted = hcm.ScopedRoutes.ScopeKeyBuilder()
    wanted.fragments.add().header_value_extractor.name = HEADER
    wanted.fragments[0].header_value_extractor.index = 0
    if scoped.scope_key_builder != wanted:
        yield f"its scopes are not those of {HEADER}"
    if _early(manager)[-1:] != [said(DISPATCHER)]:
        yield "a client may say which page it is"


def _source(scoped: hcm.ScopedRoutes) -> ConfigSource:
    return scoped.scoped_rds.scoped_rds_config_source


def _not_paging(filters: Sequence[hcm.HttpFilter]) -> Iterator[str]:
    """What keeps a request from being matched again, by its page."""
    if tuple(one.name for one in filters[: len(FIRST)]) != FIRST:
        yield "its filters do not choose the page first"
        return
    if [one.name for one in filters if one.name in FIRST] != [*FIRST]:
        yield "its filters choose the page twice"
    first, second = (one.typed_config for one in filters[: len(FIRST)])
    if not first.Is(_Mutating.DESCRIPTOR) or first.value:
        yield f"the filter '{PAGE_FILTER}' says the same of all"
    if not second.Is(IPTagging.DESCRIPTOR) or not _of_all(IPTagging.FromString(second.value)):
        yield f"not every request is matched again by '{RESELECT_FILTER}'"


def _of_all(tagging: IPTagging) -> bool:
    """Whether every request gets a tag in a header: only that has Envoy match it again."""
    header = tagging.ip_tag_header
    if tagging.request_type != IPTagging.BOTH or not header.header:
        return False
    lists = [one.ip_list for one in tagging.ip_tags]
    taken = {c.address_prefix for several in lists for c in several if not c.prefix_len.value}
    return header.action == IPTagging.IpTagHeader.SANITIZE and taken >= {"0.0.0.0", "::"}  # noqa: S104 # every client
