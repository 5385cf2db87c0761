"""What the `enforced.py` of a guard's folder gives: what is asked of a route, and what one does.

It names `ENFORCED`: key of routes to `Enforcement`. Both sides are told in the same short words,
from the settings and from Envoy's message, so what is lost on the way between them has a name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from policies.contract import Settings

if TYPE_CHECKING:  # the protobuf modules stay away from those who only want settings
    from envoy.config.route.v3.route_components_pb2 import Route

AskedStep: TypeAlias = Callable[[Settings], Iterable[str]]
"""Takes resolved settings, None where a written `none` acts."""

FoundStep: TypeAlias = "Callable[[Route], Iterable[str]]"
"""Takes a route as Envoy is told it; raises DecodeError where it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """How to tell whether a route does what the settings of a key ask for: no more and no less."""

    asked: AskedStep
    found: FoundStep
