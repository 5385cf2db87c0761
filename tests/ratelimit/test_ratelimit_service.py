"""The service as Envoy sees it: answers and headers, and what holds while Redis is down."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from envoy.service.ratelimit.v3.rls_pb2 import RateLimitResponse
from prometheus_client import generate_latest

from decision.counters import Charge, CountersDownError, Outcome
from protos import limits_pb2
from ratelimit.errors import CallError, UncountedError
from ratelimit.intake import LimitsIntake
from ratelimit.metrics import Metrics
from ratelimit.service import METHOD, Limiter, make
from ratelimit.stores.address import AddressError
from ratelimit.stores.memory import MemoryStore
from serving.service import Service, Update
from tests.ratelimit.asked import MINUTE_US, call, descriptor, fleet, limit, limits
from tests.ratelimit.redis_server import RedisServer
from tests.ratelimit.stepped import NoFeed, Stepped

OK, OVER = RateLimitResponse.OK, RateLimitResponse.OVER_LIMIT
ONE = call(descriptor(("limit", "one"), ("value", "=secret-value")))


class Down:
    """A CounterStore that is never up."""

    async def decide(self, charges: Sequence[Charge], within: float) -> Outcome:
        del charges, within
        raise CountersDownError("open")


class Asked:
    """A limiter on a clock, with or without its store."""

    def __init__(self, *updates: Update, down: bool = False) -> None:
        self.clock = Stepped(MINUTE_US * 31_000_000)
        self.metrics = Metrics()
        self.intake = LimitsIntake(
            lambda policy: self.metrics.keep([o.limit for o in policy.limits.values()])
        )
        for update in updates:
            self.intake.take(update)
        local = MemoryStore(clock=self.clock)
        self.limiter = Limiter(self.intake, Down() if down else local, local, self.metrics)

    def __call__(self, body: bytes = ONE) -> RateLimitResponse:
        said = asyncio.run(self.limiter.should_rate_limit(body, 0.1))
        return RateLimitResponse.FromString(said)

    def admitted(self, times: int) -> int:
        return sum(self().overall_code == OK for _ in range(times))

    def told(self) -> str:
        return generate_latest(self.metrics.registry).decode()


def headers(response: RateLimitResponse) -> dict[str, str]:
    return {h.key: h.value for h in response.response_headers_to_add}


def test_an_answer_that_admits() -> None:
    said = Asked(limits(limit(amount=60, burst=5)))()
    assert said.overall_code == OK
    status = said.statuses[0]
    assert (status.code, status.limit_remaining) == (OK, 4)
    assert status.duration_until_reset.ToMicroseconds() == 1_000_000
    assert status.current_limit.requests_per_unit == 60
    assert status.current_limit.unit == RateLimitResponse.RateLimit.MINUTE
    assert headers(said) == {
        "ratelimit-policy": '"one";q=60;w=60',
        "ratelimit": '"one";r=4;t=1',
    }


def test_an_answer_that_refuses_says_when_to_come_again() -> None:
    asked = Asked(limits(limit(amount=6, burst=2)))
    assert asked.admitted(2) == 2
    asked.clock.time += 500_000
    said = asked()
    assert said.overall_code == OVER
    assert said.statuses[0].code == OVER
    assert headers(said) == {
        "ratelimit-policy": '"one";q=6;w=60',
        "ratelimit": '"one";r=0;t=20',
        "retry-after": "10",
    }
    asked.clock.time += 9_499_999
    assert asked().overall_code == OVER
    assert headers(asked())["retry-after"] == "1"
    asked.clock.time += 1
    assert asked().overall_code == OK


def test_all_limits_are_told_and_the_longest_wait() -> None:
    window = limit("two", amount=1, kind=limits_pb2.FIXED_WINDOW, period_us=1_000_000)
    odd = limit("odd", amount=9, burst=9, period_us=1500, shown='a "b" \\')
    asked = Asked(limits(limit(amount=1, burst=1), window, odd))
    body = call(*[descriptor(("limit", name)) for name in ("two", "one", "odd")])
    asked(body)
    said = asked(body)
    assert [s.code for s in said.statuses] == [OVER, OVER, OK]
    assert not said.statuses[2].HasField("current_limit")
    assert headers(said) == {
        "ratelimit-policy": '"two";q=1;w=1, "one";q=1;w=60, "a \\"b\\" \\\\";q=9',
        "ratelimit": '"two";r=0;t=1, "one";r=0;t=60, "a \\"b\\" \\\\";r=8;t=1',
        "retry-after": "60",
    }


def test_counts_beyond_the_protocol_are_cut() -> None:
    said = Asked(limits(limit(amount=2**39, burst=10**7)))()
    assert said.statuses[0].limit_remaining == 10**7 - 1
    assert not said.statuses[0].HasField("current_limit")
    window = limit(amount=2**39, kind=limits_pb2.FIXED_WINDOW)
    assert Asked(limits(window))().statuses[0].limit_remaining == 2**32 - 1


def test_a_call_that_is_not_understood_is_an_error_and_counted() -> None:
    asked = Asked(limits())
    with pytest.raises(CallError):
        asked(ONE)
    assert 'errors_total{reason="unknown-limit"} 1.0' in asked.told()


def test_without_redis_each_holds_its_share() -> None:
    asked = Asked(limits(limit(amount=10, burst=10)), fleet(3), down=True)
    assert asked.admitted(20) == 3
    said = asked()
    assert said.overall_code == OVER
    assert headers(said)["ratelimit-policy"] == '"one";q=10;w=60'
    asked.clock.time += MINUTE_US
    asked.intake.take(fleet(0))
    assert asked.admitted(20) == 10


def test_without_redis_all_may_pass() -> None:
    asked = Asked(limits(limit(amount=1, burst=1), down=limits_pb2.ALLOW), down=True)
    assert asked.admitted(20) == 20
    said = asked(call(descriptor(("limit", "one")), descriptor(("limit", "one"), ("a", "b"))))
    assert [s.code for s in said.statuses] == [OK, OK]
    assert headers(said) == {}
    with pytest.raises(CallError):
        asked(call(descriptor(("limit", "unknown"))))


def test_without_redis_nothing_may_pass() -> None:
    asked = Asked(limits(limit(), down=limits_pb2.DENY), down=True)
    with pytest.raises(UncountedError):
        asked()
    assert 'without_redis_total{mode="deny"} 1.0' in asked.told()


def test_metrics_know_limits_and_no_callers() -> None:
    asked = Asked(limits(limit(amount=2, burst=2)))
    asked.admitted(5)
    told = asked.told()
    assert 'decisions_total{limit="one",name="one",verdict="ok"} 2.0' in told
    assert 'decisions_total{limit="one",name="one",verdict="over"} 3.0' in told
    assert "decision_seconds_count 5.0" in told
    assert "secret-value" not in told
    asked.intake.take(limits(limit("two")))
    assert 'limit="one"' not in asked.told()


async def _work(service: Service) -> None:
    assert service.work is not None
    await service.work()


def test_the_service_counts_here_without_a_url() -> None:
    async def run() -> None:
        service = make(NoFeed(), None)
        assert service.work is None
        service.intake.take(limits(limit(amount=1, burst=1)))
        answers = [await service.methods[METHOD](ONE, 0.1) for _ in range(2)]
        assert [RateLimitResponse.FromString(a).overall_code for a in answers] == [OK, OVER]

    asyncio.run(run())


def test_two_services_count_together_in_redis(redis: RedisServer) -> None:
    async def run() -> None:
        services = [make(NoFeed(), redis.url) for _ in range(2)]
        works = [asyncio.create_task(_work(s)) for s in services]
        name = "together"
        body = call(descriptor(("limit", name)))
        down = limits_pb2.DENY
        for one in services:
            one.intake.take(limits(limit(name, amount=1, burst=20), down=down))

        async def answered(service: Service) -> int:
            while True:
                try:
                    said = await service.methods[METHOD](body, 0.1)
                except UncountedError:
                    await asyncio.sleep(0.002)
                    continue
                return RateLimitResponse.FromString(said).overall_code

        async with asyncio.timeout(20):
            codes = await asyncio.gather(*(answered(services[n % 2]) for n in range(60)))
        assert codes.count(OK) == 20
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    asyncio.run(run())


def test_a_url_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(AddressError):
        make(NoFeed(), f"file://{tmp_path}")
