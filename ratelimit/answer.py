"""What Envoy is answered, with the headers that tell a client where it stands.

The headers are draft-ietf-httpapi-ratelimit-headers (structured fields, RFC 9651):

    ratelimit-policy: "user";q=100;w=60     amount, and period in seconds (none below a second)
    ratelimit: "user";r=12;t=34             hits that would pass now, seconds until nothing is spent
    retry-after: 3                          RFC 9110, only when over limit, at least 1

A GCRA's `q` and `w` are the rate it refills at; its `r` counts the bucket, whose size is the
burst: `r` may be more than `q` or never come near it. Lists of two lines are one list, so the
answers of the groups before and after auth add up.
"""

from collections.abc import Sequence

from envoy.service.ratelimit.v3.rls_pb2 import RateLimitResponse

from decision.counters import Limit, Outcome
from ratelimit.intake import Listed

OK, OVER = RateLimitResponse.OK, RateLimitResponse.OVER_LIMIT
RateLimit = RateLimitResponse.RateLimit
UNITS = {
    1_000_000: RateLimit.SECOND,
    60_000_000: RateLimit.MINUTE,
    3_600_000_000: RateLimit.HOUR,
    86_400_000_000: RateLimit.DAY,
    604_800_000_000: RateLimit.WEEK,
}
MOST = 2**32 - 1
"""The counts of the protocol are 32 bits wide."""


def answer(outcome: Outcome, listed: Sequence[Listed]) -> bytes:
    """The answer of a decision, with a status for each descriptor and the headers."""
    response = RateLimitResponse(overall_code=OK if outcome.admitted else OVER)
    policies, standings, retry = [], [], 0
    for one, standing in zip(listed, outcome.standings, strict=True):
        status = response.statuses.add(
            code=OK if standing.admitted else OVER, limit_remaining=min(standing.remaining, MOST)
        )
        _current(status, one.limit)
        reset = standing.reset_us
        status.duration_until_reset.seconds = reset // 1_000_000
        status.duration_until_reset.nanos = reset % 1_000_000 * 1000
        policies.append(one.policy)
        standings.append(f"{one.quoted};r={standing.remaining};t={_seconds(reset)}")
        retry = max(retry, standing.retry_us)
    add = response.response_headers_to_add.add
    add(key="ratelimit-policy", value=", ".join(policies))
    add(key="ratelimit", value=", ".join(standings))
    if not outcome.admitted:
        add(key="retry-after", value=str(max(1, _seconds(retry))))
    return response.SerializeToString()


def allowed(count: int) -> bytes:
    """The answer when nothing is counted: every descriptor passes, and no header says more."""
    response = RateLimitResponse(overall_code=OK)
    for _ in range(count):
        response.statuses.add(code=OK)
    return response.SerializeToString()


def _current(status: RateLimitResponse.DescriptorStatus, limit: Limit) -> None:
    unit = UNITS.get(limit.period_us)
    if unit is not None and limit.amount <= MOST:
        status.current_limit.name = limit.name
        status.current_limit.requests_per_unit = limit.amount
        status.current_limit.unit = unit


def _seconds(micros: int) -> int:
    return -(-micros // 1_000_000)
