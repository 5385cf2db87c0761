"""The order in which the routes of a gateway are tried, and why: as text and for programs."""

from collections.abc import Iterator

from controlplane.plan.plan import MethodNotAllowed, Plan, PlannedRoute, Preflight
from controlplane.plan.reasons import Reason, reasons
from language.places import Place


def order_text(plan: Plan) -> Iterator[str]:
    """Lines of text: for each host its entries, numbered in their order."""
    for host in plan.hosts:
        yield f"hosts {', '.join(host.domains)}"
        rows = [(_shown(one), one.why, _places(one)) for one in reasons(host)]
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        for number, (shown, why, places) in enumerate(rows, 1):
            where = ", ".join(map(str, places))
            yield f"  {number:>3}  {shown:<{widths[0]}}  {why:<{widths[1]}}  {where}"


def order_records(plan: Plan) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {
            "domains": host.domains,
            "order": [
                {
                    "rule": one.entry.rule,
                    "matches": _shown(one),
                    "why": one.why,
                    "places": [str(place) for place in _places(one)],
                }
                for one in reasons(host)
            ],
        }
        for host in plan.hosts
    ]


def _shown(reason: Reason) -> str:
    """What an entry matches, on one line."""
    entry = reason.entry
    if isinstance(entry, MethodNotAllowed):
        return f"{entry.path.text}  not {', '.join(entry.allow)}"
    if isinstance(entry, Preflight):
        asked = ", ".join(entry.methods) or "any method"
        return f"{entry.path.text}  preflights for {asked}"
    match = entry.route.match
    words = [entry.route.path.text, ", ".join(match.methods)]
    words += [f"{name}: {wanted.shown}" for name, wanted in match.headers.items()]
    words += [f"?{name}={wanted.shown}" for name, wanted in match.query.items()]
    words += ["(held: 503)"] if entry.held else []
    return "  ".join(word for word in words if word)


def _places(reason: Reason) -> tuple[Place, ...]:
    entry = reason.entry
    return (entry.route.place,) if isinstance(entry, PlannedRoute) else entry.places
