"""Serialized messages cut and put together without being parsed (protobuf encoding guide)."""

from collections.abc import Iterator

_WIDTHS = {1: 8, 5: 4}  # bytes of fixed-width wire types


class EncodingError(ValueError):
    """Bytes that are no message, or one with groups, of which Envoy has none."""


def fields(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Give each field's number, all its bytes, and its content where that has a length.

    Raises EncodingError.
    """
    at = 0
    while at < len(data):
        begin = at
        tag, at = _varint(data, at)
        kind = tag & 7
        content = at
        if kind == 2:
            length, content = _varint(data, at)
            at = content + length
        elif kind == 0:
            _, at = _varint(data, at)
        elif kind in _WIDTHS:
            at += _WIDTHS[kind]
        else:
            raise EncodingError(begin)
        if at > len(data):
            raise EncodingError(begin)
        yield tag >> 3, data[begin:at], data[content:at]


def field(number: int, content: bytes) -> bytes:
    """Give a field with a length; `number` is below 16."""
    head = bytearray([number << 3 | 2])
    length = len(content)
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + content


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise EncodingError(at)
