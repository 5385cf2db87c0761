"""A verdict written down for Envoy's ext_authz filter.

An empty CheckResponse means "allow" to Envoy, and an aborted call is an error and no denial. So
every reply is made by one function that starts as a denial, whatever comes after.
"""

from urllib.parse import quote

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.service.auth.v3.external_auth_pb2 import CheckResponse, DeniedHttpResponse
from envoy.type.v3.http_status_pb2 import StatusCode

from decision.principal import Principal
from decision.verdict import Verdict

OK, PERMISSION_DENIED, UNAVAILABLE = 0, 7, 14
"""Codes of gRPC: with UNAVAILABLE and an `error_response` Envoy knows that the fault is ours."""

USER = "x-foregate-user"
CONSUMER = "x-foregate-consumer"
SCOPES = "x-foregate-scopes"
ASSERTED = (USER, CONSUMER, SCOPES)
"""What the upstream is told. Values are percent-encoded (RFC 3986: all but unreserved)."""


_STATUSES = {
    400: StatusCode.BadRequest,
    401: StatusCode.Unauthorized,
    403: StatusCode.Forbidden,
    503: StatusCode.ServiceUnavailable,
}


def reply(verdict: Verdict) -> bytes:
    """Give the CheckResponse of a verdict.

    Denials have no body: Envoy's local reply writes it (`controlplane.compile.answers`).
    """
    out = CheckResponse()
    out.status.code = PERMISSION_DENIED
    out.denied_response.status.code = StatusCode.Forbidden
    if verdict.fault:
        out.status.code = UNAVAILABLE
        out.error_response.status.code = StatusCode.ServiceUnavailable
    elif verdict.principal is None:
        _deny(out.denied_response, verdict)
    else:
        _admit(out, verdict.principal, verdict.remove)
    return out.SerializeToString()


def _deny(out: DeniedHttpResponse, verdict: Verdict) -> None:
    out.status.code = _STATUSES[verdict.status]
    for challenge in verdict.challenges:
        option = out.headers.add(append_action=HeaderValueOption.APPEND_IF_EXISTS_OR_ADD)
        option.header.key, option.header.value = "www-authenticate", challenge


def _admit(out: CheckResponse, principal: Principal, remove: tuple[str, ...]) -> None:
    """Envoy sets headers first and removes then, so what is set must not be removed."""
    asserted = {
        USER: quote(principal.name, safe=""),
        CONSUMER: quote(principal.consumer, safe=""),
        SCOPES: " ".join(quote(scope, safe="") for scope in principal.scopes),
    }
    told = {name: value for name, value in asserted.items() if value}
    for name, value in told.items():
        option = out.ok_response.headers.add(
            append_action=HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
        )
        option.header.key, option.header.value = name, value
    gone = dict.fromkeys((*remove, *ASSERTED))  # a client's own are gone before; twice is safe
    out.ok_response.headers_to_remove.extend(name for name in gone if name not in told)
    counted = {"user": principal.key, "consumer": principal.consumer}
    out.dynamic_metadata.update({key: f"={value}" for key, value in counted.items() if value})
    out.status.code = OK
