"""Whether a page may ask or read what it could not: more origins, or more for the same ones."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from policies.contract import RouteFacts
from policies.cors.spec import KEY, Cors
from policies.guards import HeldStep, Weaker, WeakerStep

_SHOWN = 3


def _weaker(before: Cors | None, after: Cors | None) -> Iterator[Weaker]:
    if after is None:
        if before is not None:
            what = "which pages may ask is the backend's to say now"
            yield Weaker(what=what, comparable=False)
        return
    known = () if before is None else before.origins
    new = [o.text for o in after.origins if not any(one.holds(o) for one in known)]
    if new:
        yield Weaker(what=f"pages of {_some(new)} may ask now")
    if before is None:
        return
    if after.credentials and not before.credentials:
        yield Weaker(what="pages may ask with the user's cookies now")
    wider = (
        ("use", before.methods, after.methods),
        ("set", before.headers, after.headers),
        ("read", before.expose, after.expose),
    )
    for verb, old, now in wider:
        more = [one for one in now if one not in old]
        if more:
            yield Weaker(what=f"pages may {verb} {_some(more)} now")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _held(settings: Cors, facts: RouteFacts) -> Cors:
    """The settings with the methods that pages may use on a route, which may be its own."""
    return replace(settings, methods=settings.allowed_methods(facts))


WEAKER: Mapping[str, WeakerStep] = {KEY: _weaker}

HELD: Mapping[str, HeldStep] = {KEY: _held}
