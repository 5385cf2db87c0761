"""Answers that the gateway makes itself: application/problem+json (RFC 9457), told by status.

A user's own `respond` and a redirect are left as they are. Callers of gRPC get a grpc-status, and
the problem as their grpc-message: of a body alone Envoy's gRPC-Web filter makes a grpc-status.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLogFilter, ComparisonFilter
from envoy.config.core.v3.substitution_format_string_pb2 import SubstitutionFormatString
from envoy.extensions.access_loggers.filters.cel.v3.cel_pb2 import ExpressionFilter
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)

from controlplane.compile.clusters import NOWHERE

TITLES: Mapping[int, str] = MappingProxyType(
    {
        400: "Bad Request",
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
        408: "Request Timeout",
        413: "Content Too Large",
        426: "Upgrade Required",
        429: "Too Many Requests",
        431: "Request Header Fields Too Large",
        500: "Internal Server Error",
        501: "Not Implemented",
        502: "Bad Gateway",
        503: "Service Unavailable",
        504: "Gateway Timeout",
    }
)
"""The statuses that Envoy answers with of its own accord (RFC 9110 section 15), or is told to."""


@cache
def problem(title: str, status: int | None = None) -> SubstitutionFormatString:
    """The body of an answer; `rule` is the opaque id that `foregate xds` and `check -v` list.

    `status` is given where the format is a route's own, which Envoy reads before there is one.
    All get the same message: it is copied, never changed.
    """
    out = SubstitutionFormatString(content_type="application/problem+json", omit_empty_values=True)
    out.json_format.update(
        {
            "type": "about:blank",
            "title": title,
            "status": status or "%RESPONSE_CODE%",
            "requestId": "%REQ(X-REQUEST-ID)%",
            "rule": "%ROUTE_NAME%",
        }
    )
    return out


def local_replies() -> hcm_pb2.LocalReplyConfig:
    """How Envoy's own answers are written; the first mapper that fits decides.

    A mapper without a format leaves the body as it is, as long as there is no format for all.
    """
    config = hcm_pb2.LocalReplyConfig()
    config.mappers.add().filter.CopyFrom(_expression("response.code_details == 'direct_response'"))
    # a preflight that no `cors` answers: its origin is none of those that are named
    nowhere = config.mappers.add()
    nowhere.filter.CopyFrom(_expression(f"xds.cluster_name == '{NOWHERE}'"))
    nowhere.status_code.value = 403
    nowhere.body_format_override.CopyFrom(problem(TITLES[403], 403))
    for status, title in TITLES.items():
        mapper = config.mappers.add()
        mapper.filter.status_code_filter.comparison.op = ComparisonFilter.EQ
        mapper.filter.status_code_filter.comparison.value.default_value = status
        mapper.filter.status_code_filter.comparison.value.runtime_key = "foregate.status"
        mapper.body_format_override.CopyFrom(problem(title))
    other = config.mappers.add()
    other.filter.CopyFrom(_expression("response.code >= 400"))
    other.body_format_override.CopyFrom(problem("Error"))
    return config


def _expression(text: str) -> AccessLogFilter:
    out = AccessLogFilter()
    out.extension_filter.name = "envoy.access_loggers.extension_filters.cel"
    out.extension_filter.typed_config.Pack(ExpressionFilter(expression=text), deterministic=True)
    return out
