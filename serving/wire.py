"""Delta discovery requests to bytes, responses from bytes."""

from collections.abc import Mapping
from dataclasses import dataclass

from envoy.config.core.v3.base_pb2 import Node as NodeMessage
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
)
from google.protobuf.struct_pb2 import Struct

from serving.bundle import Resource
from serving.subscription import Request, Response

_INVALID_ARGUMENT = 3  # google.rpc.Code; clients that NACK use it


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Who this instance is. `address` is where Envoy connects to, as `unix:PATH` or `HOST:PORT`.

    `service` is EXTAUTHZ or RATELIMIT of `protos`; `version` is that of Foregate.
    """

    id: str
    service: str
    address: str
    version: str


def request(value: Request, node: Node) -> bytes:
    """Write a DeltaDiscoveryRequest; the first one of a stream carries the node."""
    message = DeltaDiscoveryRequest(
        type_url=value.type_url,
        response_nonce=value.nonce,
        resource_names_subscribe=value.subscribe,
        resource_names_unsubscribe=value.unsubscribe,
        initial_resource_versions=value.initial,
    )
    if value.first:
        message.node.CopyFrom(_node(node))
    if value.error is not None:
        message.error_detail.code = _INVALID_ARGUMENT
        message.error_detail.message = value.error
    return message.SerializeToString()


def response(data: bytes) -> Response:
    """Read a DeltaDiscoveryResponse. Raises DecodeError when it is none."""
    message = DeltaDiscoveryResponse.FromString(data)
    resources: dict[str, Resource] = {}
    fault = ""
    for one in message.resources:
        if not one.HasField("resource"):  # a heartbeat: what is known lives on
            continue
        if one.resource.type_url != message.type_url:
            fault = f"{one.name!r} is of another type"
        elif one.name in resources:
            fault = f"{one.name!r} is there twice"
        resources[one.name] = Resource(version=one.version, body=one.resource.value)
    return Response(
        type_url=message.type_url,
        nonce=message.nonce,
        resources=resources,
        removed=tuple(message.removed_resources),
        fault=fault,
    )


def _node(node: Node) -> NodeMessage:
    metadata: Mapping[str, str] = {
        "foregate.service": node.service,
        "foregate.address": node.address,
        "foregate.version": node.version,
    }
    struct = Struct()
    struct.update(dict(metadata))
    return NodeMessage(
        id=node.id,
        cluster=node.service,
        metadata=struct,
        user_agent_name="foregate",
        user_agent_version=node.version,
    )
