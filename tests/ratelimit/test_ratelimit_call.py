"""What Envoy sends: who is counted where, and what is refused because nobody sends it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.call import MOST_BYTES, MOST_DESCRIPTORS, charges
from ratelimit.errors import CallError
from ratelimit.intake import LimitsIntake, Listed
from tests.ratelimit.asked import call, descriptor, limit, limits


def known() -> dict[str, Listed]:
    intake = LimitsIntake()
    intake.take(
        limits(limit("one"), limit("two", period_us=1_000_000), limit("x" * 300, shown="x"))
    )
    return intake.policy.limits


KNOWN = known()
ONE = descriptor(("limit", "one"))


def why(body: bytes) -> str:
    with pytest.raises(CallError) as caught:
        charges(body, KNOWN)
    return caught.value.why


def keys(body: bytes) -> list[bytes]:
    return [c.key for c in charges(body, KNOWN)[1]]


def test_what_is_refused() -> None:
    assert why(call()) == "descriptors"
    assert why(call(*[ONE] * (MOST_DESCRIPTORS + 1))) == "descriptors"
    assert why(call(descriptor())) == "entries"
    assert why(call(descriptor(*[("limit", "one")] * 40))) == "entries"
    assert why(call(descriptor(("limit", "three")))) == "unknown-limit"
    assert why(call(descriptor(("value", "one")))) == "unknown-limit"
    assert why(call(descriptor(("value", "=x"), ("limit", "one")))) == "unknown-limit"
    assert why(call(ONE, descriptor(("limit", "")))) == "unknown-limit"
    assert why(b"\xff") == "malformed"
    assert why(b"\x0a\x02\xff\xfe") == "malformed"  # text that is not UTF-8
    assert why(call(descriptor(("limit", "one"), ("value", "x" * MOST_BYTES)))) == "too-long"


def test_an_override_is_refused() -> None:
    one = descriptor(("limit", "one"))
    one.limit.requests_per_unit = 10**6
    assert why(call(one)) == "override"


def test_a_refund_is_refused() -> None:
    plain = ONE.SerializeToString()
    refund = type(ONE).FromString(plain + b"\x20\x01")  # field 4, is_negative_hits
    assert why(call(refund)) == "negative-hits"
    newer = type(ONE).FromString(plain + b"\x98\x06\x01")  # a field that no Envoy has yet
    assert len(keys(call(newer))) == 1


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused(body: bytes) -> None:
    with suppress(CallError):
        listed, charged = charges(body, KNOWN)
        assert 1 <= len(listed) == len(charged)


@pytest.mark.parametrize(
    ("whole", "own", "hits"),
    [(0, None, 1), (3, None, 3), (0, 5, 5), (3, 5, 5), (3, 0, 0), (0, 2**64 - 1, 2**64 - 1)],
)
def test_hits(whole: int, own: int | None, hits: int) -> None:
    _, charged = charges(call(descriptor(("limit", "one"), hits=own), hits=whole), KNOWN)
    assert charged[0].hits == hits


texts = st.text(max_size=8) | st.sampled_from(["", "1:a", "=x", "3:", "value", "x" * 200])
entries = st.lists(st.tuples(texts, texts), max_size=3)


@given(st.sampled_from(sorted(KNOWN)), entries, st.sampled_from(sorted(KNOWN)), entries)
def test_no_value_is_taken_for_another(
    first: str, some: list[tuple[str, str]], second: str, others: list[tuple[str, str]]
) -> None:
    both = ((first, some), (second, others))
    made = [keys(call(descriptor(("limit", name), *words)))[0] for name, words in both]
    assert (made[0] == made[1]) == ((first, some) == (second, others))
    assert max(map(len, made)) < 300


def test_a_key_knows_kind_and_period_and_no_amount() -> None:
    before = keys(call(ONE))
    for changed, same in [
        (limit("one", amount=3, burst=4), True),
        (limit("one", period_us=1_000_000), False),
    ]:
        intake = LimitsIntake()
        intake.take(limits(changed))
        after = [c.key for c in charges(call(ONE), intake.policy.limits)[1]]
        assert (after == before) is same
