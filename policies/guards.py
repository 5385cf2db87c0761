"""What the `weaker.py` of a policy folder gives: whether a change of settings lets more pass.

It names `WEAKER`: key of routes to `WeakerStep`, `HELD`: key of routes to `HeldStep`, `TOGETHER`:
key of routes to `TogetherStep`, `NAMED`: kind of named things to `NamedStep`, and `BACKENDS`: key
of backends to `BackendStep`. What cannot be compared counts as weaker.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from policies.contract import BackendFacts, Names, RouteFacts, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Weaker:
    """What passes that did not, in words; not `comparable`: nobody can say that it does not."""

    what: str
    comparable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Resolved settings of a route, None for none, and the rule id of the route."""

    settings: Settings | None
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedChange:
    """What a change of a named thing means.

    What is not `weaker` but told is what somebody new is granted.
    """

    name: str
    what: str
    weaker: bool = False


WeakerStep: TypeAlias = Callable[[Settings | None, Settings | None], Iterable[Weaker]]
"""Takes resolved settings that judged a request, and those that judge it now; None for none."""

HeldStep: TypeAlias = Callable[[Settings, RouteFacts], Settings]
"""Takes resolved settings and facts of the route that they stand on; gives the settings with what
is not written and comes from the route. These are compared."""

TogetherStep: TypeAlias = Callable[[Iterable[tuple[Judged, Judged]]], Iterable[tuple[int, Weaker]]]
"""Takes such pairs of all requests; gives what only all of them show, and the pair's position."""

BackendStep: TypeAlias = Callable[
    [Settings | None, BackendFacts, Settings | None, BackendFacts], Iterable[Weaker]
]
"""Takes the settings of a backend with its facts, before and after; None for none."""

NamedStep: TypeAlias = Callable[[Names, Names], Iterable[NamedChange]]
"""Takes all named things before and after."""
