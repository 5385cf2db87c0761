"""The limits of the gateway and the size of the fleet, as they come from the control plane."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from decision.counters import Kind, Limit
from policies.limits.check import fault
from protos import FLEET, FLEET_NAME, LIMITS, LIMITS_NAME, limits_pb2
from serving.service import RejectedError, Update


class Down(Enum):
    """What holds while Redis is down."""

    LOCAL_LIMITS = "local-limits"
    ALLOW = "allow"
    DENY = "deny"


DOWNS = {
    limits_pb2.REDIS_DOWN_UNSPECIFIED: Down.LOCAL_LIMITS,
    limits_pb2.LOCAL_LIMITS: Down.LOCAL_LIMITS,
    limits_pb2.ALLOW: Down.ALLOW,
    limits_pb2.DENY: Down.DENY,
}
KINDS = {limits_pb2.GCRA: Kind.GCRA, limits_pb2.FIXED_WINDOW: Kind.FIXED_WINDOW}
LETTERS = {Kind.GCRA: b"g", Kind.FIXED_WINDOW: b"w"}
LONGEST_ID, LONGEST_NAME = 4096, 128
FORMER = 10_000
"""How many limits that are no longer served are kept."""

LITERAL = 96
"""Bytes up to which a part of a key is written as it is; longer ones are hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A limit, with what each decision needs of it.

    `share` is this instance's part of it while Redis is down. `prefix` begins the keys of its
    counters; `policy` is its item in the RateLimit-Policy header, `quoted` its name in both.
    """

    limit: Limit
    share: Limit
    prefix: bytes
    quoted: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All that was taken in. `instances` is 0 when it is not known."""

    limits: dict[str, Listed]
    down: Down
    instances: int = 0


class LimitsIntake:
    """The intake (`serving.service.Intake`). `policy` is replaced whole, never changed.

    `changed` is told the new one. `known` are its limits and those that are no longer served: an
    Envoy that has not moved yet may name them.
    """

    def __init__(self, changed: Callable[[Policy], None] = lambda _: None) -> None:
        self.policy = Policy(limits={}, down=Down.LOCAL_LIMITS)
        self._changed = changed
        self.known: dict[str, Listed] = {}
        self._ready = False

    @property
    def ready(self) -> bool:
        """The limits have come. Without the fleet's size each instance holds full amounts."""
        return self._ready

    def take(self, update: Update) -> None:
        """Take the limits or the fleet. Raises RejectedError."""
        expected = {LIMITS: LIMITS_NAME, FLEET: FLEET_NAME}.get(update.type_url)
        if expected is None:
            raise RejectedError(f"the type {update.type_url} is not known here")
        if strange := update.changed.keys() - {expected}:
            raise RejectedError(f"there is no resource {min(strange)!r} of this type")
        body = update.changed.get(expected)
        gone = expected in update.removed
        if update.type_url == FLEET:
            if body is not None or gone:
                size = 0 if body is None else _instances(body)
                self.known = _resized(self.known, size)
                limits = {name: self.known[name] for name in self.policy.limits}
                self._become(replace(self.policy, limits=limits, instances=size))
        elif body is not None:
            read, down = _limits(body)
            size = self.policy.instances
            listed = {limit.id: _listed(limit, size) for limit in read}
            self._remember(listed)
            self._become(Policy(limits=listed, down=down, instances=size))
            self._ready = True
        elif gone and self._ready:
            raise RejectedError("the limits can be empty, but not be taken away")

    def _remember(self, now: dict[str, Listed]) -> None:
        former = {name: one for name, one in self.known.items() if name not in now}
        for name in list(former)[: max(0, len(former) - FORMER)]:
            del former[name]
        self.known = {**former, **now}

    def _become(self, policy: Policy) -> None:
        self.policy = policy
        self._changed(policy)


def share(limit: Limit, instances: int) -> Limit:
    """An instance's part of a limit: rounded down, at least 1; all where the fleet is unknown."""
    if instances <= 1:
        return limit
    amount, burst = max(1, limit.amount // instances), max(1, limit.burst // instances)
    return replace(limit, amount=amount, burst=burst)


def part(text: bytes) -> bytes:
    """A part of a key that no other parts together can be taken for: its length, or its hash."""
    if len(text) <= LITERAL:
        return b"%d:%b" % (len(text), text)
    return b"#" + hashlib.sha256(text).digest()


def _resized(limits: Mapping[str, Listed], instances: int) -> dict[str, Listed]:
    return {name: replace(one, share=share(one.limit, instances)) for name, one in limits.items()}


def _instances(body: bytes) -> int:
    try:
        return limits_pb2.Fleet.FromString(body).instances
    except DecodeError:
        raise RejectedError("the fleet is not a Fleet message") from None


def _limits(body: bytes) -> tuple[list[Limit], Down]:
    try:
        message = limits_pb2.LimitSet.FromString(body)
    except DecodeError:
        raise RejectedError("the limits are not a LimitSet message") from None
    _no_more(message)
    limits = [_limit(one) for one in message.limits]
    seen: set[str] = set()
    for limit in limits:
        if limit.id in seen:
            raise RejectedError(f"limit {limit.id!r} is there twice")
        seen.add(limit.id)
    down = DOWNS.get(message.redis_down)
    if down is None:
        raise RejectedError(f"what holds without Redis is not known: {message.redis_down}")
    return limits, down


def _limit(message: limits_pb2.Limit) -> Limit:
    _no_more(message)
    told = f"limit {message.id[:LONGEST_NAME]!r}"
    if not 1 <= len(message.id) <= LONGEST_ID:
        raise RejectedError(f"{told}: its id is empty or too long")
    printable = message.name.isascii() and message.name.isprintable()
    if not 1 <= len(message.name) <= LONGEST_NAME or not printable:
        raise RejectedError(f"{told}: its name can not stand in a header")
    kind = KINDS.get(message.kind)
    if kind is None:
        raise RejectedError(f"{told}: its kind {message.kind} is not known")
    limit = Limit(
        id=message.id,
        name=message.name,
        kind=kind,
        amount=message.amount,
        period_us=message.period_us,
        burst=message.burst if kind is Kind.GCRA else 1,
    )
    if why := fault(limit):
        raise RejectedError(f"{told}: {why}")
    return limit


def _no_more(message: Message) -> None:
    """A field of a newer control plane could be a restriction: it is not left out in silence."""
    if len(UnknownFieldSet(message)):
        name = message.DESCRIPTOR.name
        raise RejectedError(f"{name} has a field that this version does not know")


def _listed(limit: Limit, instances: int) -> Listed:
    text = limit.name.replace("\\", "\\\\").replace('"', '\\"')
    seconds, rest = divmod(limit.period_us, 1_000_000)
    window = "" if rest else f";w={seconds}"
    return Listed(
        limit=limit,
        share=share(limit, instances),
        prefix=b"fg:%b%d:%b" % (LETTERS[limit.kind], limit.period_us, part(limit.id.encode())),
        quoted=f'"{text}"',
        policy=f'"{text}";q={limit.amount}{window}',
    )
