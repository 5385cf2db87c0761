"""gRPC servers that say whether they are well (grpc.health.v1)."""

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health:
    """Says of what the gateway file asks for that it is well, or that it is not."""

    def __init__(self, status: health_pb2.HealthCheckResponse.ServingStatus.ValueType) -> None:
        self.status = status

    def check(self, asked: bytes, context: grpc.ServicerContext) -> bytes:
        """Answer `grpc.health.v1.Health/Check`."""
        service = health_pb2.HealthCheckRequest.FromString(asked).service
        if service not in {"", "test.Echo"}:
            context.abort(grpc.StatusCode.NOT_FOUND, service)
        return health_pb2.HealthCheckResponse(status=self.status).SerializeToString()


def server(
    name: str, service: str, health: Health, tls: grpc.ServerCredentials | None = None
) -> tuple[grpc.Server, int]:
    """A gRPC server whose only method answers with the server's name."""
    made = grpc.server(ThreadPoolExecutor(4))
    unary: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
        lambda _, __: name.encode()
    )
    check: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(health.check)
    own = grpc.method_handlers_generic_handler(service, {"Unary": unary})
    asked = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": check})
    made.add_generic_rpc_handlers((own, asked))
    at = "127.0.0.1:0"
    port = made.add_insecure_port(at) if tls is None else made.add_secure_port(at, tls)
    made.start()
    return made, port
