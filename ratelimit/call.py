"""What Envoy asks: descriptors whose first entry names a limit, and the rest who is counted."""

from collections.abc import Mapping

from envoy.extensions.common.ratelimit.v3.ratelimit_pb2 import RateLimitDescriptor
from envoy.service.ratelimit.v3.rls_pb2 import RateLimitRequest
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from decision.counters import Charge
from ratelimit.errors import CallError
from ratelimit.intake import Listed, part

LIMIT = "limit"
"""The key of a descriptor's first entry; its value is the limit's id."""

MOST_DESCRIPTORS = 32
MOST_ENTRIES = 32
MOST_BYTES = 512 * 1024
"""Of a whole call: several times what Envoy takes as a request's head."""

NEGATIVE_HITS = 4
"""`RateLimitDescriptor.is_negative_hits`, newer than xds-protos: a refund, not known here yet."""


def charges(body: bytes, limits: Mapping[str, Listed]) -> tuple[list[Listed], list[Charge]]:
    """What a call wants to be charged: a limit and a charge for each descriptor, in their order.

    Raises CallError for all that our own routes never send.
    """
    if len(body) > MOST_BYTES:
        raise CallError("too-long")
    try:
        call = RateLimitRequest.FromString(body)
    except DecodeError:
        raise CallError("malformed") from None
    if not 1 <= len(call.descriptors) <= MOST_DESCRIPTORS:
        raise CallError("descriptors")
    hits = call.hits_addend or 1
    listed, charged = [], []
    for descriptor in call.descriptors:
        one = _limit(descriptor, limits)
        own = descriptor.hits_addend.value if descriptor.HasField("hits_addend") else hits
        listed.append(one)
        charged.append(Charge(one.limit, key(one, descriptor), own))
    return listed, charged


def key(one: Listed, descriptor: RateLimitDescriptor) -> bytes:
    """The counter's key: each word with its length before it, so that none is read as two."""
    entries = descriptor.entries
    if len(entries) == 1:
        return one.prefix
    words = [text.encode() for entry in entries[1:] for text in (entry.key, entry.value)]
    return one.prefix + part(b"".join([b"%d:%b" % (len(word), word) for word in words]))


def _limit(descriptor: RateLimitDescriptor, limits: Mapping[str, Listed]) -> Listed:
    entries = descriptor.entries
    if not 1 <= len(entries) <= MOST_ENTRIES:
        raise CallError("entries")
    if descriptor.HasField("limit"):
        raise CallError("override")
    unknown = UnknownFieldSet(descriptor)
    if any(unknown[n].field_number == NEGATIVE_HITS for n in range(len(unknown))):
        raise CallError("negative-hits")
    first = entries[0]
    one = limits.get(first.value) if first.key == LIMIT else None
    if one is None:
        raise CallError("unknown-limit")
    return one
