"""Calls and limits as tests write them."""

from envoy.extensions.common.ratelimit.v3.ratelimit_pb2 import RateLimitDescriptor
from envoy.service.ratelimit.v3.rls_pb2 import RateLimitRequest

from protos import FLEET, FLEET_NAME, LIMITS, LIMITS_NAME, limits_pb2
from serving.service import Update

MINUTE_US = 60_000_000


def descriptor(*entries: tuple[str, str], hits: int | None = None) -> RateLimitDescriptor:
    made = RateLimitDescriptor()
    for key, value in entries:
        made.entries.add(key=key, value=value)
    if hits is not None:
        made.hits_addend.value = hits
    return made


def call(*descriptors: RateLimitDescriptor, hits: int = 0) -> bytes:
    request = RateLimitRequest(domain="foregate", descriptors=descriptors, hits_addend=hits)
    return request.SerializeToString()


def limit(
    name: str = "one",
    *,
    amount: int = 10,
    burst: int = 10,
    period_us: int = MINUTE_US,
    kind: "limits_pb2.Kind.ValueType" = limits_pb2.GCRA,
    shown: str = "",
) -> limits_pb2.Limit:
    return limits_pb2.Limit(
        id=name, name=shown or name, kind=kind, amount=amount, period_us=period_us, burst=burst
    )


def limits(
    *every: limits_pb2.Limit,
    down: "limits_pb2.RedisDown.ValueType" = limits_pb2.LOCAL_LIMITS,
) -> Update:
    body = limits_pb2.LimitSet(limits=every, redis_down=down).SerializeToString()
    return Update(type_url=LIMITS, changed={LIMITS_NAME: body})


def fleet(instances: int) -> Update:
    body = limits_pb2.Fleet(instances=instances).SerializeToString()
    return Update(type_url=FLEET, changed={FLEET_NAME: body})
