"""The service: calls in, answers out, and what holds while Redis is down."""

import time
from collections.abc import Sequence

from decision.counters import Charge, CountersDownError, CounterStore, Outcome
from protos import RATELIMIT, SERVICE_TYPES
from ratelimit.answer import allowed, answer
from ratelimit.call import charges
from ratelimit.errors import CallError, UncountedError
from ratelimit.intake import Down, LimitsIntake, Listed
from ratelimit.metrics import Metrics
from ratelimit.stores.address import address
from ratelimit.stores.memory import MemoryStore, WallClock
from ratelimit.stores.redis import RedisStore
from serving.service import Feed, Service

METHOD = "envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"


def make(feed: Feed, redis_url: str | None) -> Service:
    """The service, counting in Redis, or in this process where there is no URL.

    Raises AddressError for a URL that is none of Redis.
    """
    del feed  # all limits come by themselves
    metrics = Metrics()
    intake = LimitsIntake(lambda policy: metrics.keep([o.limit for o in policy.limits.values()]))
    local = MemoryStore(clock=WallClock(), overflowed=metrics.overflows.inc)
    redis = None if redis_url is None else RedisStore(address(redis_url), metrics)
    limiter = Limiter(intake, redis or local, local, metrics)
    return Service(
        name=RATELIMIT,
        types=SERVICE_TYPES[RATELIMIT],
        intake=intake,
        methods={METHOD: limiter.should_rate_limit},
        registry=metrics.registry,
        work=None if redis is None else redis.run,
    )


class Limiter:
    """Decides calls by a store, and by `local` while that is down."""

    def __init__(
        self, intake: LimitsIntake, store: CounterStore, local: MemoryStore, metrics: Metrics
    ) -> None:
        self._intake = intake
        self._store = store
        self._local = local
        self._metrics = metrics

    async def should_rate_limit(self, body: bytes, within: float) -> bytes:
        """Answer a RateLimitRequest. Raises RatelimitError: the call ends with an error."""
        began = time.perf_counter()
        try:
            return await self._answer(body, within)
        finally:
            self._metrics.seconds.observe(time.perf_counter() - began)

    async def _answer(self, body: bytes, within: float) -> bytes:
        policy = self._intake.policy
        try:
            listed, charged = charges(body, self._intake.known)
        except CallError as error:
            self._metrics.errors.labels(error.why).inc()
            raise
        try:
            outcome = await self._store.decide(charged, within)
        except CountersDownError:
            said = self._without(policy.down, listed, charged)
            if said is None:
                return allowed(len(charged))
            outcome = said
        for one, standing in zip(listed, outcome.standings, strict=True):
            self._metrics.decided(one.limit, admitted=standing.admitted)
        return answer(outcome, listed)

    def _without(
        self, down: Down, listed: Sequence[Listed], charged: Sequence[Charge]
    ) -> Outcome | None:
        """What holds without Redis; None: everything passes. Raises UncountedError."""
        self._metrics.fallbacks.labels(down.value).inc()
        if down is Down.ALLOW:
            return None
        if down is Down.DENY:
            raise UncountedError
        shares = [
            Charge(one.share, charge.key, charge.hits)
            for one, charge in zip(listed, charged, strict=True)
        ]
        return self._local.decided(shares)
