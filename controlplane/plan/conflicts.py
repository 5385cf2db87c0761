"""What routes of one virtual host cannot mean together: equal ranks, and routes never reached."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from controlplane.model.gateway import Route
from controlplane.plan.precedence import rank
from controlplane.plan.shadows import hidden, outranked
from controlplane.plan.ties import ties
from language.mistakes import Mistake
from language.places import Place


def conflicts(routes: Iterable[Route]) -> Iterator[Mistake]:
    """The mistakes that routes of one virtual host make together."""
    every = tuple(routes)
    ranks: dict[tuple[object, ...], list[Route]] = defaultdict(list)
    for route in every:
        ranks[rank(route)].append(route)
    for same in ranks.values():
        if len(same) > 1:
            yield from _among(same)
        elif same[0].match.priority:
            yield Mistake(
                place=same[0].place,
                message="'priority' decides nothing here: no other route has this rank",
                hint="remove it",
                severity="warning",
            )
    for route, above in hidden(every):
        yield _never(route, above, "a path tried before it takes its requests")


def _among(same: list[Route]) -> Iterator[Mistake]:
    """The mistakes of routes of one rank."""
    by_priority: dict[int, list[Route]] = defaultdict(list)
    for route in same:
        by_priority[route.match.priority].append(route)
    for priority, alike in by_priority.items():
        if len(alike) > 1:
            for first, later in ties(alike):
                yield _tie(first, later, priority)
    if len(by_priority) > 1:
        for route, above in outranked(same):
            yield _never(route, above, "another of higher priority takes its requests")


def _tie(first: Route, later: Route, priority: int) -> Mistake:
    hint = "give one a higher priority, or another path, method, header or parameter"
    message = "this route and another match the same requests with equal rank"
    if later.path.is_regex and first.path.regex != later.path.regex:
        message = "this route and another may match the same requests with equal rank"
        hint = "give one a higher priority, or let their paths begin in different ways"
    if priority:
        message += f", and both have priority {priority}"
    return Mistake(
        place=later.place,
        width=len(later.node.entries[0][0].text),
        message=message,
        hint=hint,
        also=(first.place,),
    )


def _never(route: Route, above: tuple[Place, ...], why: str) -> Mistake:
    return Mistake(
        place=route.place,
        width=len(route.node.entries[0][0].text),
        message=f"this route never matches: {why}",
        hint="remove it" if "path" in why else "remove it, or raise its priority",
        also=above,
        severity="warning",
    )
