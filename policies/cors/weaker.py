"""Whether a page may ask or read what it could not: more origins, or more for the same ones."""

from collections.abc import Iterator, Mapping

from policies.cors.spec import KEY, SAFELISTED, Cors
from policies.guards import Weaker, WeakerStep

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
    if before.methods and not after.methods:
        yield Weaker(what="pages may use every method of the route now", comparable=False)
    wider = (
        # the route's own methods, which are not known here, are what none written are
        ("use", before.methods or SAFELISTED, after.methods),
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


WEAKER: Mapping[str, WeakerStep] = {KEY: _weaker}
