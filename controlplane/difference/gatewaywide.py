"""What holds for the whole gateway: where it listens, whom it trusts, what others' absence does."""

import ipaddress
from collections.abc import Iterator

from controlplane.difference.difference import ThingChange, Weakening
from controlplane.difference.words import changes, duration, words
from controlplane.plan.plan import Plan
from language.places import Place

_STRICTER = ("deny", "local-limits", "allow")


_ALL = {
    "": "all interfaces",  # IPv4 alone
    "0.0.0.0": "all interfaces",  # noqa: S104 # compared, not bound
    "::": "all interfaces, IPv6 too",
}


def whole_changes(before: Plan, after: Plan) -> Iterator[ThingChange]:
    """`listen` and `whenDown`, where they say something else."""
    for name, was, now, places in (
        ("listen", before.listen, after.listen, (before.listen_place, after.listen_place)),
        (
            "whenDown",
            before.when_down,
            after.when_down,
            (before.when_down_place, after.when_down_place),
        ),
    ):
        if was != now:
            yield ThingChange(
                kind="changed",
                group="gateway",
                name=name,
                before=places[0],
                after=places[1],
                values=changes(_said(was), _said(now)),
            )


def _said(value: object) -> dict[str, str]:
    return {key.removeprefix("."): text for key, text in words("", value)}


def whole_weakenings(before: Plan, after: Plan) -> Iterator[Weakening]:
    """What of it lets more pass."""
    old, new, place = before.listen, after.listen, after.listen_place
    if old.trusted_hops != new.trusted_hops:
        what = f"{new.trusted_hops} proxies are believed who calls, and it was {old.trusted_hops}"
        yield _weakening("listen", what, place, comparable=False)
    yield from _reached(old.http.host, new.http.host, place)
    down, now = before.when_down, after.when_down
    for name, was, state in (
        ("redis", down.redis, now.redis),
        ("limits", down.limits, now.limits),
    ):
        if _STRICTER.index(state) > _STRICTER.index(was):
            what = f"while {name} is down: {state}, and it was {was}"
            yield _weakening("whenDown", what, after.when_down_place)
    if now.jwks.use_cached_for > down.jwks.use_cached_for:
        times = f"{duration(now.jwks.use_cached_for)}, and it was"
        what = f"an issuer's keys are used for {times} {duration(down.jwks.use_cached_for)}"
        yield _weakening("whenDown", what, after.when_down_place)


def _reached(old: str, new: str, place: Place) -> Iterator[Weakening]:
    """Whether somebody may reach another address who could not; nobody knows who reaches which."""
    held = old == "::" or (old in _ALL and ":" not in new)
    if old == new or held or _loopback(new):
        return
    where = _ALL.get(new, new)
    if _loopback(old):
        yield _weakening("listen", f"it listens on {where}, and was on this machine alone", place)
    else:
        what = f"it listens on {where}, and was on {_ALL.get(old, old)}"
        yield _weakening("listen", what, place, comparable=new in _ALL)


def _weakening(key: str, what: str, place: Place, *, comparable: bool = True) -> Weakening:
    return Weakening(key=key, what=what, comparable=comparable, handovers=(), places=(place,))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
