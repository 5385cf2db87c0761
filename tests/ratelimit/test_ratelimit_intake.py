"""What comes from the control plane is taken whole or not at all."""

import pytest

from decision.counters import Kind
from policies.limits.check import MOST_AMOUNT
from protos import FLEET, FLEET_NAME, KEYS, LIMITS, LIMITS_NAME, limits_pb2
from ratelimit.intake import FORMER, Down, LimitsIntake, part
from serving.service import RejectedError, Update
from tests.ratelimit.asked import fleet, limit, limits


def test_ready_when_the_limits_have_come() -> None:
    intake = LimitsIntake()
    seen = [intake.ready]
    none_yet = Update(type_url=LIMITS, removed=frozenset({LIMITS_NAME}))
    for update in (fleet(3), none_yet, limits()):
        intake.take(update)
        seen.append(intake.ready)
    assert seen == [False, False, False, True]
    assert intake.policy.limits == {}
    assert intake.policy.instances == 3


def test_a_limit_is_read() -> None:
    intake = LimitsIntake()
    intake.take(limits(limit("one", amount=7, burst=3), down=limits_pb2.ALLOW))
    one = intake.policy.limits["one"].limit
    assert (one.kind, one.amount, one.burst, one.period_us) == (Kind.GCRA, 7, 3, 60_000_000)
    assert intake.policy.down is Down.ALLOW


@pytest.mark.parametrize(
    ("instances", "amount", "burst"), [(0, 10, 5), (1, 10, 5), (3, 3, 1), (4, 2, 1), (100, 1, 1)]
)
def test_the_share_follows_the_fleet(instances: int, amount: int, burst: int) -> None:
    for first in (True, False):
        intake = LimitsIntake()
        updates = [fleet(instances), limits(limit(amount=10, burst=5))]
        for update in updates if first else updates[::-1]:
            intake.take(update)
        share = intake.policy.limits["one"].share
        assert (share.amount, share.burst) == (amount, burst)


def test_a_fleet_that_is_gone_is_not_known() -> None:
    intake = LimitsIntake()
    intake.take(limits(limit()))
    intake.take(fleet(5))
    intake.take(Update(type_url=FLEET, removed=frozenset({FLEET_NAME})))
    assert intake.policy.instances == 0
    assert intake.policy.limits["one"].share.amount == 10


def unknown_field(body: bytes) -> bytes:
    return body + b"\x98\x06\x01"  # field 99, a number


BAD = {
    "not a message": b"\xff\xff",
    "a field that is not known": unknown_field(b""),
    "a field of a limit that is not known": limits_pb2.LimitSet(
        limits=[limits_pb2.Limit.FromString(unknown_field(limit().SerializeToString()))]
    ).SerializeToString(),
    "a mode that is not known": b"\x10\x09",
}
WRONG = {
    "no id": limit("", shown="a"),
    "a long id": limit("x" * 5000, shown="a"),
    "no name": limits_pb2.Limit(id="a", kind=limits_pb2.GCRA, amount=1, period_us=1, burst=1),
    "a long name": limit(shown="x" * 200),
    "a name with a line": limit(shown="a\r\nb"),
    "a name beyond ASCII": limit(shown="ä"),
    "no kind": limit(kind=limits_pb2.KIND_UNSPECIFIED),
    "no amount": limit(amount=0),
    "too much": limit(amount=MOST_AMOUNT + 1),
    "no period": limit(period_us=0),
    "no burst": limit(burst=0),
    "a long period": limit(period_us=2**60),
    "more than a double holds": limit(burst=10**12),
}


@pytest.mark.parametrize("name", [*BAD, *WRONG, "twice"])
def test_what_is_wrong_is_refused_and_changes_nothing(name: str) -> None:
    if name == "twice":
        update = limits(limit("a"), limit("a", amount=3))
    elif name in BAD:
        update = Update(type_url=LIMITS, changed={LIMITS_NAME: BAD[name]})
    else:
        update = limits(limit("good"), WRONG[name])
    intake = LimitsIntake()
    with pytest.raises(RejectedError):
        intake.take(update)
    assert not intake.ready
    intake.take(limits(limit("before")))
    before = intake.policy
    with pytest.raises(RejectedError):
        intake.take(update)
    assert intake.policy is before


def test_the_limits_can_not_be_taken_away() -> None:
    intake = LimitsIntake()
    intake.take(limits(limit()))
    with pytest.raises(RejectedError):
        intake.take(Update(type_url=LIMITS, removed=frozenset({LIMITS_NAME})))
    assert intake.policy.limits


@pytest.mark.parametrize(
    "update",
    [
        Update(type_url=KEYS, changed={"k": b""}),
        Update(type_url=LIMITS, changed={"others": b""}),
        Update(type_url=FLEET, changed={FLEET_NAME: b"\xff"}),
    ],
)
def test_what_does_not_belong_here_is_refused(update: Update) -> None:
    with pytest.raises(RejectedError):
        LimitsIntake().take(update)


def test_a_window_needs_no_burst_and_an_absent_mode_is_the_default() -> None:
    intake = LimitsIntake()
    one = limit(kind=limits_pb2.FIXED_WINDOW, burst=0)
    intake.take(limits(one, down=limits_pb2.REDIS_DOWN_UNSPECIFIED))
    assert intake.policy.down is Down.LOCAL_LIMITS


def test_a_hashed_part_is_no_literal_one() -> None:
    long = b"x" * 1000
    assert len(part(long)) == 33
    assert part(part(long)) != part(long)
    assert part(long)[:1] not in b"0123456789"


def test_a_limit_that_is_no_longer_served_is_still_known() -> None:
    intake = LimitsIntake()
    intake.take(limits(limit("one", amount=7), limit("two")))
    intake.take(limits(limit("two", amount=9)))
    assert set(intake.policy.limits) == {"two"}
    assert intake.known["one"].limit.amount == 7
    assert intake.known["two"].limit.amount == 9
    intake.take(limits(limit("one", amount=8)))
    assert intake.known["one"].limit.amount == 8
    assert set(intake.known) == {"one", "two"}
    intake.take(fleet(4))
    assert {one.share.amount for one in intake.known.values()} == {2}  # 8 and 9 over four


def test_what_is_no_longer_served_is_bounded() -> None:
    intake = LimitsIntake()
    for start in range(0, FORMER + 3000, 1000):
        intake.take(limits(*(limit(str(n)) for n in range(start, start + 1000))))
    assert len(intake.known) == FORMER + 1000
    assert "0" not in intake.known
