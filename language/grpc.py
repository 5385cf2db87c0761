"""gRPC methods, and the paths that calls of them have (gRPC over HTTP/2, section Requests)."""

import re
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.paths import PathPattern, parse_pattern
from language.scalars import fault, one_text
from language.segments import MalformedPathError

METHOD = "POST"
"""What every call is sent as."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_SERVICE = re.compile(rf"{_NAME}(\.{_NAME})*")


class Method(NamedTuple):
    """A method of a service; an empty `method` is each of them."""

    service: str
    method: str

    @property
    def path(self) -> PathPattern:
        """The path of its calls."""
        return parse_pattern(f"/{self.service}/{self.method or '{method}'}")


def _method(value: object) -> Method:
    text = one_text(value, "write package.Service/Method")
    service, slash, method = text.removeprefix("/").partition("/")
    if text.startswith("/"):
        raise fault(f"'{text}' is a path", f"write {text[1:]}")
    if not _SERVICE.fullmatch(service):
        raise fault(f"'{service}' is not a gRPC service", "write package.Service/Method")
    if slash and method == "*":
        raise fault("every method is meant by the service alone", f"write {service}")
    if slash and not re.fullmatch(_NAME, method):
        hint = "write package.Service/Method, or package.Service for each method"
        raise fault(f"'{method}' is not a gRPC method", hint, len(service) + 1)
    found = Method(service, method)
    try:
        _ = found.path
    except MalformedPathError as error:
        raise fault(error.message, "write package.Service/Method for each method") from None
    return found


GrpcMethod: TypeAlias = Annotated[
    Method,
    BeforeValidator(_method),
    WithJsonSchema({"type": "string", "pattern": f"^{_SERVICE.pattern}(/{_NAME})?$"}),
]
"""A gRPC method, `package.Service/Method`, or a whole service."""
