"""Envoy's resources as an independent decoder reads them: envoy-data-plane, not protobuf.

What compile serialized goes in; plain dicts in protobuf's JSON form leave, with every nested Any
unpacked. A field that the decoder does not know fails the test that meets it.
"""

import dataclasses
import importlib
import warnings
from collections.abc import Iterator
from typing import Any

from betterproto2 import Message
from pydantic import PydanticDeprecatedSince212

import tests.controlplane.compile.ip_matcher  # noqa: F401 # registers its message
from controlplane.snapshot import Resource

with warnings.catch_warnings():  # its generated code is older than our pydantic
    warnings.simplefilter("ignore", PydanticDeprecatedSince212)
    from envoy_data_plane.google.protobuf import Any as AnyMessage
    from envoy_data_plane.message_pool import default_message_pool

Plain = dict[str, Any]


def read(resource: Resource) -> Plain:
    """A resource as a dict; without loss, or UnreadFieldError."""
    message = unpacked(AnyMessage(type_url=resource.type_url, value=resource.body))
    for part in parts(message):
        if part._unknown_fields:  # noqa: SLF001 # the one place where they can be seen
            raise UnreadFieldError(type(part).__name__, bytes(part._unknown_fields))  # noqa: SLF001
    plain: Plain = message.to_dict()
    return plain


def unpacked(packed: AnyMessage) -> Message:
    """The message in an Any; its module is imported on first sight, which registers the type."""
    package = packed.type_url.rpartition("/")[2].rpartition(".")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PydanticDeprecatedSince212)
        importlib.import_module(f"envoy_data_plane.{package}")
    return default_message_pool.url_to_type[packed.type_url].parse(packed.value)


def parts(message: Message) -> Iterator[Message]:
    """A message and every message in it, those in an Any too."""
    yield message
    if isinstance(message, AnyMessage):
        if message.type_url:
            yield from parts(unpacked(message))
        return
    for field in dataclasses.fields(message):  # type: ignore[arg-type] # each is one, its base is not
        value = getattr(message, field.name)
        below = value if isinstance(value, list) else [value]
        if isinstance(value, dict):
            below = list(value.values())
        for one in below:
            if isinstance(one, Message):
                yield from parts(one)


class UnreadFieldError(Exception):
    """The decoder met a field that it has no name for: the two sides know different protos."""

    def __init__(self, message: str, field: bytes) -> None:
        super().__init__(message, field)
        self.message = message
        self.field = field
