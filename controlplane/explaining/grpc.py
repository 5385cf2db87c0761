"""How callers of gRPC hear an answer that the gateway makes itself.

Envoy (utility.cc, grpc_web_filter.cc; measured) tells a gRPC call by its content-type alone. To
gRPC it says HTTP 200 with a grpc-status made of the status; to gRPC-Web it leaves the status, and
adds a grpc-status where the answer has a body.
"""

from dataclasses import dataclass

_CALL = "application/grpc"
_WEB_CALLS = frozenset(
    f"{_CALL}-web{text}{proto}" for text in ("", "-text") for proto in ("", "+proto")
)
_STATUSES = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
_UNKNOWN = 2
_NAMES = {
    2: "UNKNOWN",
    7: "PERMISSION_DENIED",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A grpc-status with its name, and the HTTP status that it comes with."""

    status: int
    name: str
    http: int


def is_call(content_type: str) -> bool:
    """Whether Envoy takes a request for a gRPC call: in lower case, and without parameters."""
    return content_type == _CALL or content_type.startswith(f"{_CALL}+")


def heard(content_type: str, status: int, *, body: bool) -> Heard | None:
    """Give how an answer of an HTTP status is heard; None where it is no call of gRPC.

    `body` is whether it has one that the filter for gRPC-Web gets to see.
    """
    number = _STATUSES.get(status, _UNKNOWN)
    if is_call(content_type):
        return Heard(status=number, name=_NAMES[number], http=200)
    if content_type in _WEB_CALLS and body:
        return Heard(status=number, name=_NAMES[number], http=status)
    return None
