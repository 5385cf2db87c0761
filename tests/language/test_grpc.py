"""gRPC methods: the names that a file writes, and the paths of their calls."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from language.grpc import GrpcMethod, Method

READER: TypeAdapter[Method] = TypeAdapter(GrpcMethod)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("shop.v1.Orders/Get", "/shop.v1.Orders/Get"),
        ("Orders/Get_2", "/Orders/Get_2"),
        ("shop.Orders", "/shop.Orders/{method}"),
    ],
)
def test_a_method_has_the_path_of_its_calls(text: str, path: str) -> None:
    assert READER.validate_python(text).path.text == path


@pytest.mark.parametrize(
    ("value", "hint", "offset"),
    [
        ("/shop.Orders/Get", "write shop.Orders/Get", 0),
        ("shop.Orders/*", "write shop.Orders", 0),
        ("shop..Orders/Get", "write package.Service/Method", 0),
        ("9shop.Orders/Get", "write package.Service/Method", 0),
        ("shop.Orders/", "write package.Service/Method, or package.Service for each method", 12),
        ("shop.Orders/a/b", "write package.Service/Method, or package.Service for each method", 12),
        (["shop.Orders"], "leave the brackets or the dashes out", 0),
        ({"shop": "Orders"}, "write package.Service/Method", 0),
    ],
)
def test_what_is_no_method_is_told(value: Any, hint: str, offset: int) -> None:
    with pytest.raises(ValidationError) as error:
        READER.validate_python(value)
    context = error.value.errors()[0]["ctx"]
    assert (context["hint"], context["offset"]) == (hint, offset)
