"""A stand-in for extauthz: it writes down what Envoy asks, and answers as its test says."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.service.auth.v3.external_auth_pb2 import (
    CheckRequest,
    CheckResponse,
    DeniedHttpResponse,
    OkHttpResponse,
)
from envoy.type.v3.http_status_pb2 import HttpStatus, Unauthorized
from google.rpc.status_pb2 import Status

METHOD = "Check"
SERVICE = "envoy.service.auth.v3.Authorization"


def admitted(user: str) -> CheckResponse:
    """Let pass, and say who it is."""
    header = HeaderValueOption(header=HeaderValue(key="x-foregate-user", value=user))
    response = OkHttpResponse(headers=[header], headers_to_remove=["authorization"])
    return CheckResponse(status=Status(code=0), ok_response=response)


def unauthorized() -> CheckResponse:
    """Refuse with a challenge and no body."""
    challenge = HeaderValueOption(header=HeaderValue(key="www-authenticate", value="Bearer"))
    denied = DeniedHttpResponse(status=HttpStatus(code=Unauthorized), headers=[challenge])
    return CheckResponse(status=Status(code=7), denied_response=denied)


@dataclass(slots=True)
class AuthService:
    """`answer` is what every call gets; `asked` are the calls."""

    port: int = 0
    answer: CheckResponse = field(default_factory=unauthorized)
    asked: list[CheckRequest] = field(default_factory=list)

    def check(self, request: CheckRequest, _context: grpc.ServicerContext) -> CheckResponse:
        """Answer a call."""
        self.asked.append(request)
        return self.answer


@contextmanager
def auth_service() -> Iterator[AuthService]:
    """The service on a free port."""
    service = AuthService()
    handler = grpc.unary_unary_rpc_method_handler(
        service.check,
        request_deserializer=CheckRequest.FromString,
        response_serializer=CheckResponse.SerializeToString,
    )
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),)
    )
    service.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield service
    finally:
        server.stop(None).wait()
