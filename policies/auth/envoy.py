"""Who may pass, as Envoy's ext_authz filter and as what extauthz judges by.

The filter always stands in the chain and is set per route: off, or with the hash of the route's
pipeline. A route with neither is judged without a hash, and refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.route.v3.route_components_pb2 import Route
from envoy.extensions.filters.http.ext_authz.v3 import ext_authz_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.type.v3.http_status_pb2 import ServiceUnavailable
from google.protobuf.any_pb2 import Any

from policies.auth.consumers import Consumer, api_keys
from policies.auth.identities import Identity
from policies.auth.pipeline import CONTEXT, RULE, JwtIdentity, Pipeline, digest, document
from policies.auth.sources import KeySource
from policies.contract import (
    FilterStep,
    Names,
    RouteFacts,
    RouteStep,
    ServiceResource,
    ServiceStep,
    UnaskedStep,
    WhenDown,
)
from protos import CONSUMERS, CONSUMERS_NAME, EXTAUTHZ, PIPELINE
from protos import auth_pb2 as pb

FILTER = "foregate.auth"
CLUSTER_NAME = "foregate:extauthz"
TIMEOUT_MS = 100
"""How long a decision may take; then it is a denial of 503."""


def _auth(settings: Pipeline | None, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    if settings is None:
        _unasked(route)
        return (route,)
    per_route = ext_authz_pb2.ExtAuthzPerRoute()
    context = per_route.check_settings.context_extensions
    context[CONTEXT] = _hash(settings)
    context[RULE] = route.name
    route.typed_per_filter_config[FILTER].Pack(per_route, deterministic=True)
    return (route,)


def _unasked(route: Route) -> None:
    route.typed_per_filter_config[FILTER].CopyFrom(_off())


@cache
def _off() -> Any:
    packed = Any()
    packed.Pack(ext_authz_pb2.ExtAuthzPerRoute(disabled=True), deterministic=True)
    return packed


@lru_cache(maxsize=1024)
def _document(pipeline: Pipeline) -> bytes:
    return document(pipeline)


@lru_cache(maxsize=1024)
def _hash(pipeline: Pipeline) -> str:
    return digest(_document(pipeline))


def _filter(_when_down: WhenDown) -> hcm_pb2.HttpFilter:
    settings = ext_authz_pb2.ExtAuthz(
        transport_api_version=ApiVersion.V3,
        failure_mode_allow=False,
        encode_raw_headers=True,
        validate_mutations=True,
    )
    settings.status_on_error.code = ServiceUnavailable
    settings.grpc_service.envoy_grpc.cluster_name = CLUSTER_NAME
    settings.grpc_service.envoy_grpc.authority = EXTAUTHZ
    settings.grpc_service.timeout.FromMilliseconds(TIMEOUT_MS)
    one = hcm_pb2.HttpFilter(name=FILTER)
    one.typed_config.Pack(settings, deterministic=True)
    return one


def _services(
    settings: tuple[Pipeline | None, ...], names: Names, _when_down: WhenDown
) -> Iterator[ServiceResource]:
    by_hash: dict[str, list[Pipeline]] = {}
    for pipeline in settings:
        if pipeline is not None:
            by_hash.setdefault(_hash(pipeline), []).append(pipeline)
    for hashed, same in sorted(by_hash.items()):
        yield ServiceResource(
            role=EXTAUTHZ,
            type_url=PIPELINE,
            name=hashed,
            message=pb.Pipeline(hash=hashed, document=_document(same[0])),
            settings=tuple(same),
            names=tuple(("identities", one.name) for one in same[0].identities),
        )
    yield ServiceResource(
        role=EXTAUTHZ,
        type_url=CONSUMERS,
        name=CONSUMERS_NAME,
        message=pb.ConsumerSet(consumers=_consumers(names)),
        names=tuple(("consumers", name) for name in sorted(names["consumers"])),
    )


def _consumers(names: Names) -> Iterator[pb.Consumer]:
    """Who holds keys; one whose secret is not set here is left out."""
    consumers: Mapping[str, Consumer] = names["consumers"]
    only = next(iter(api_keys(names)), "")
    for name, consumer in sorted(consumers.items()):
        out = pb.Consumer(name=name)
        for _, key in consumer.held():
            if key.hash.sha256 is not None:
                identity = key.identity or only
                out.keys.add(identity=identity, sha256=key.hash.sha256, scopes=sorted(key.scopes))
        if out.keys:
            yield out


def key_sources(settings: Iterable[Pipeline | None], names: Names) -> tuple[KeySource, ...]:
    """Where the keys come from that some pipeline trusts, each once and in a stable order."""
    identities: Mapping[str, Identity] = names["identities"]
    named = {
        one.name
        for pipeline in settings
        if pipeline is not None
        for one in pipeline.identities
        if isinstance(one, JwtIdentity)
    }
    sources = {s.id: s for n in named if (s := identities[n].source()) is not None}
    return tuple(sources[one] for one in sorted(sources))


ROUTE: Mapping[str, RouteStep] = {"auth": _auth}

UNASKED: Mapping[str, UnaskedStep] = {"auth": _unasked}

FILTERS: Mapping[str, FilterStep] = {"auth": _filter}

SERVICES: Mapping[str, ServiceStep] = {"auth": _services}
