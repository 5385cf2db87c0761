"""What a listener needs to find a request's page: a header, a scope for its value, two filters.

The header says `_d` first, whatever a client sent: the scope of the dispatcher. The first filter
writes the page that the dispatcher's route names. The second changes nothing that anyone reads,
but it has Envoy forget the route, and so look for scope and route again.
"""

from envoy.config.common.mutation_rules.v3.mutation_rules_pb2 import HeaderMutation
from envoy.config.core.v3.address_pb2 import CidrRange
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.core.v3.config_source_pb2 import ApiVersion, ConfigSource
from envoy.extensions.filters.http.header_mutation.v3 import header_mutation_pb2 as mutation_pb2
from envoy.extensions.filters.http.ip_tagging.v3.ip_tagging_pb2 import IPTagging
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from controlplane.compile.pages.names import DISPATCHER, SCOPES

HEADER = "x-foregate-page"
"""The header whose value is the scope; what a client sends under it is removed early."""

TAG_HEADER = "x-foregate-reselected"
"""What the second filter writes its tag to; it reaches no backend either."""

PAGE_FILTER = "foregate.page"
RESELECT_FILTER = "foregate.reselect"


def scoped_routes() -> hcm_pb2.ScopedRoutes:
    """The scope is the whole value of the header."""
    out = hcm_pb2.ScopedRoutes(name=SCOPES)
    out.scope_key_builder.fragments.add().header_value_extractor.name = HEADER
    out.scope_key_builder.fragments[0].header_value_extractor.index = 0
    out.rds_config_source.CopyFrom(_source())
    out.scoped_rds.scoped_rds_config_source.CopyFrom(_source())
    return out


def first_page() -> HeaderMutation:
    """The mutation that sends every request to the dispatcher first."""
    return _overwritten(DISPATCHER)


def filters() -> tuple[hcm_pb2.HttpFilter, ...]:
    """The filters before all others."""
    tagging = IPTagging(request_type=IPTagging.BOTH)
    tagging.ip_tag_header.header = TAG_HEADER
    tagging.ip_tag_header.action = IPTagging.IpTagHeader.SANITIZE
    tag = tagging.ip_tags.add(ip_tag_name="any")
    for address in ("0.0.0.0", "::"):  # noqa: S104 # every client, not where to listen
        network = CidrRange(address_prefix=address)
        network.prefix_len.value = 0
        tag.ip_list.append(network)
    return (
        _filter(PAGE_FILTER, mutation_pb2.HeaderMutation()),
        _filter(RESELECT_FILTER, tagging),
    )


def to_page(page: str) -> Any:
    """The settings of the first filter on a dispatcher's route."""
    settings = mutation_pb2.HeaderMutationPerRoute()
    settings.mutations.request_mutations.append(_overwritten(page))
    packed = Any()
    packed.Pack(settings, deterministic=True)
    return packed


def _overwritten(value: str) -> HeaderMutation:
    out = HeaderMutation()
    out.append.append_action = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    out.append.header.key = HEADER
    out.append.header.value = value
    return out


def _source() -> ConfigSource:
    out = ConfigSource(resource_api_version=ApiVersion.V3)
    out.ads.SetInParent()
    out.initial_fetch_timeout.seconds = 0  # no port opens without its routes
    return out


def _filter(name: str, settings: Message) -> hcm_pb2.HttpFilter:
    out = hcm_pb2.HttpFilter(name=name)
    out.typed_config.Pack(settings, deterministic=True)
    return out
