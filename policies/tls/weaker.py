"""Whether a backend is believed with less than it had to show, or the gateway is another to it."""

from collections.abc import Iterator, Mapping

from policies.contract import BackendFacts
from policies.guards import BackendStep, Weaker
from policies.tls.spec import Tls

_NOTHING = Tls()


def _weaker(
    before: Tls | None, was: BackendFacts, after: Tls | None, now: BackendFacts
) -> Iterator[Weaker]:
    if not (was.tls and now.tls):  # of one in the clear it is told by what it speaks
        return
    old, new = before or _NOTHING, after or _NOTHING
    if old.ca is not None and new.ca is None:
        what = f"every authority of the system vouches for it, and those of {old.ca} alone did"
        yield Weaker(what=what)
    elif old.ca != new.ca:
        past = "those of the system" if old.ca is None else f"those of {old.ca}"
        what = f"the authorities of {new.ca} vouch for it, and {past} did"
        yield Weaker(what=what, comparable=False)
    yield from _name(old, was, new, now)
    if old.cert != new.cert:
        what = f"the gateway shows it {_shown(new)}, and showed {_shown(old)}"
        yield Weaker(what=what, comparable=False)


def _name(old: Tls, was: BackendFacts, new: Tls, now: BackendFacts) -> Iterator[Weaker]:
    """The name that is verified; where both are the host of the url, it is told with the url."""
    if old.sni is None and new.sni is None:
        return
    name, past = new.sni or _host(now), old.sni or _host(was)
    if name != past:
        yield Weaker(what=f"it must be '{name}', and had to be '{past}'", comparable=False)


def _host(facts: BackendFacts) -> str:
    return facts.authority.rpartition(":")[0]


def _shown(tls: Tls) -> str:
    return "no certificate" if tls.cert is None else f"the certificate {tls.cert}"


BACKENDS: Mapping[str, BackendStep] = {"tls": _weaker}
