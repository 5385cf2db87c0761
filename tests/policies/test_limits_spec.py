"""Rates, and the identity of counters: whose they are, never how much or in which place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.build import Build, Options, build
from controlplane.sources import SourceFile
from language.decode import Decoder, Refused
from language.nodes import Scalar
from policies.limits.counters import Alone, Home, Shared, identity
from policies.limits.rate import UNITS, Rate, RateText
from policies.limits.spec import PER
from protos import LIMITS, RATELIMIT
from protos.limits_pb2 import GCRA, LimitSet

RATES: Decoder[Rate] = Decoder(RateText)

texts = st.text(max_size=20)
homes: st.SearchStrategy[Home] = st.builds(Shared, file=texts) | st.builds(
    Alone, hosts=st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple), path=texts
)
counted = st.tuples(homes, st.sampled_from(PER), st.sampled_from(list(UNITS)))


def read(text: str) -> Rate | Refused:
    return RATES.decode("f", Scalar(text, 1, 1, quoted=False), None)


@pytest.mark.parametrize(
    ("text", "amount", "burst"),
    [
        ("1/s", 1, 1),
        ("100/s", 100, 100),
        ("10k/day", 10_000, 1),
        ("1M/day", 1_000_000, 11),
        ("90/min", 90, 1),
        ("1000M/s", 10**9, 10**9),
        ("1/month", 1, 1),
    ],
)
def test_a_rate_and_what_it_gives_in_a_second(text: str, amount: int, burst: int) -> None:
    rate = read(text)
    assert isinstance(rate, Rate)
    assert (rate.amount, rate.in_a_second) == (amount, burst)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("100", "say in which time: write 100/s or 100/min"),
        ("100/sec", "write 100/s"),
        ("100 / s", "write 100/s"),
        ("100/S", "write 100/s"),
        ("1K/s", "write 1k/s"),
        ("1m/s", "M is a million, k a thousand"),
        ("1.5k/h", "write 1500/h"),
        ("1_000/s", "write 1000/s"),
        ("1,000/day", "write 1000/day"),
        ("0.5/s", "write 30/min"),
        ("10/5s", "write 2/s"),
        ("5 per 10 seconds", "write 30/min"),
        ("0.0001/month", "write a whole number, of a longer time"),
        ("100/m", "write 100/min or 100/month"),
        ("100rps", "write 100/s"),
        ("10 per minute", "write 10/min"),
        ("10/fortnight", "a rate is per s, min, h, day, week, month"),
        ("0/s", "write at least 1, or respond: {status: 403}"),
        ("1001M/s", "write at most 1000M"),
        ("-1/s", "write 100/s, 10k/min or 1M/day"),
        ("fast", "write 100/s, 10k/min or 1M/day"),
    ],
)
def test_what_is_no_rate_is_told_what_was_meant(text: str, hint: str) -> None:
    found = read(text)
    assert isinstance(found, Refused)
    assert [m.hint for m in found.mistakes] == [hint]


@given(st.integers(1, 10**9), st.sampled_from(list(UNITS)))
def test_any_rate_can_be_counted(amount: int, unit: str) -> None:
    rate = read(f"{amount}/{unit}")
    assert rate == Rate(amount=amount, unit=unit)
    assert rate.period_us * 1000 >= rate.amount, "one in a nanosecond at most"
    # a store counts in doubles, in ticks of 1 µs, or of 1 ms for long periods (limits, check.py)
    ticks = rate.period_us // (1000 if rate.period_us >= UNITS["h"] else 1)
    assert max(rate.in_a_second, 10**6) * ticks < 2**52


@given(counted, counted)
def test_counters_of_one_identity_are_one(
    left: tuple[Home, str, str], right: tuple[Home, str, str]
) -> None:
    def plain(one: tuple[Home, str, str]) -> object:
        home, *rest = one
        where = (home.file,) if isinstance(home, Shared) else (frozenset(home.hosts), home.path)
        return where, rest

    assert (identity(*left) == identity(*right)) == (plain(left) == plain(right))


HEAD = "version: 1\nhosts: [HOSTS]\ndefaults:\n  auth: none\n  limits: DEFAULTS\n"
BELOW = "backends: {users: http://users:8080}\nroutes:\n"

limits = st.lists(
    st.tuples(
        st.sampled_from(["ip", "route", "global"]),
        st.sampled_from(list(UNITS)),
        st.integers(1, 10**9),
        st.none() | st.integers(1, 10**6),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[:2],
)


def made(text: str, name: str = "gateway.yaml") -> Build:
    found = build((SourceFile(name=name, data=text.encode()),), Options())
    assert not found.mistakes
    return found


def served(text: str, name: str = "gateway.yaml") -> LimitSet:
    return LimitSet.FromString(made(text, name).services[RATELIMIT].of(LIMITS)["limits"].body)


def written(some: list[tuple[str, str, int, int | None]]) -> str:
    return ", ".join(
        f"{{per: {per}, rate: {amount}/{unit}{f', burst: {burst}' if burst else ''}}}"
        for per, unit, amount, burst in some
    )


def gateway(
    inherited: list[tuple[str, str, int, int | None]],
    own: list[tuple[str, str, int, int | None]],
    hosts: str = "a.example.com, b.example.com",
) -> str:
    head = HEAD.replace("HOSTS", hosts).replace("DEFAULTS", f"[{written(inherited)}]")
    routes = [
        "  - path: /kept\n    to: users\n",
        f"  - path: /added\n    limits: {{add: [{written(own)}]}}\n    to: users\n",
        f"  - path: /own\n    limits: [{written(own)}]\n    to: users\n",
    ]
    return head + BELOW + "".join(routes)


@given(limits, limits, st.data())
def test_no_identity_depends_on_amounts_or_order(
    inherited: list[tuple[str, str, int, int | None]],
    own: list[tuple[str, str, int, int | None]],
    data: st.DataObject,
) -> None:
    first = served(gateway(inherited, own))
    amounts = st.integers(1, 10**9)
    other = [
        [
            (per, unit, data.draw(amounts), None)
            for per, unit, *_ in data.draw(st.permutations(some))
        ]
        for some in (inherited, own)
    ]
    second = served(gateway(*other, hosts="b.example.com, a.example.com"))
    assert {one.id for one in first.limits} == {one.id for one in second.limits}
    assert len(first.limits) == len(inherited) + 2 * len(own)
    by_id = {one.id: one for one in second.limits}
    for one in first.limits:
        assert one.kind == GCRA
        assert (one.name, one.period_us) == (by_id[one.id].name, by_id[one.id].period_us)


def test_a_file_is_the_same_wherever_its_folder_is() -> None:
    text = gateway([("ip", "s", 1, None)], [("ip", "s", 1, None)])
    here = served(text)
    assert served(text, "/etc/foregate/gateway.yaml") == here
    assert served(text, "examples/gateway.yaml") == here
    below = "backends: {orders: http://orders:8080}\ndefaults: {auth: none, limits: LIMITS}\n"
    below = below.replace("LIMITS", "[{per: ip, rate: 1/s}]")
    below += "hosts: [c.example.com]\nroutes: [{path: /, to: orders}]\n"

    def folder(root: str) -> LimitSet:
        files = {f"{root}gateway.yaml": text, f"{root}teams/orders.yaml": below}
        sources = tuple(SourceFile(name=n, data=t.encode()) for n, t in files.items())
        found = build(sources, Options())
        assert not found.mistakes
        return LimitSet.FromString(found.services[RATELIMIT].of(LIMITS)["limits"].body)

    assert folder("") == folder("/etc/foregate/")
    assert len(folder("").limits) == len(here.limits) + 1


def test_what_is_switched_off_or_without_effect_is_not_counted() -> None:
    head = HEAD.replace("HOSTS", '"*"').replace("DEFAULTS", "[{per: ip, rate: 1/s}]")
    off = "  - path: /a\n    limits: none\n    to: users\n"
    moved = "  - path: /b\n    redirect: {path: /a}\n"
    found = made(head + BELOW + off + moved)
    assert not served(head + BELOW + off + moved).limits
    assert RATELIMIT not in found.calls
    assert RATELIMIT in made(head + BELOW + "  - path: /a\n    to: users\n").calls
