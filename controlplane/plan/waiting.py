"""Served routes whose requests wait, as a held one of equal rank takes them.

What the held one asks for is not known, or not good: that another route is open says nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from controlplane.model.gateway import Route
from controlplane.plan.conditions import conditions, meet
from controlplane.plan.plan import PlannedRoute
from controlplane.plan.precedence import rank
from language.mistakes import Mistake


def waiting(routes: Iterable[PlannedRoute]) -> Iterator[Mistake]:
    """Tell of each served route of a virtual host that a held one stands before."""
    ranks: dict[tuple[object, ...], tuple[list[Route], list[Route]]] = defaultdict(lambda: ([], []))
    for one in routes:
        ranks[rank(one.route)][one.held].append(one.route)
    for served, held in ranks.values():
        for route in served:
            first = next((other for other in held if _meet(route, other)), None)
            if first is not None:
                yield Mistake(
                    place=route.place,
                    width=len(route.node.entries[0][0].text),
                    message=f"this route waits: one of {first.file}, which has mistakes, "
                    "matches the same requests",
                    hint=f"mend or remove {first.file}: until then they are answered 503",
                    severity="warning",
                )


def _meet(one: Route, other: Route) -> bool:
    """Whether one request can match two routes of the same rank."""
    a, b = one.match.methods, other.match.methods
    return not (a and set(a).isdisjoint(b)) and meet(conditions(one), conditions(other))
