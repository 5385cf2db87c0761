"""What is told of a request, for programs: these keys are a promise to them."""

from dataclasses import asdict

from controlplane.explaining.told import (
    Forwarded,
    Lost,
    Outcome,
    Redirected,
    Refusal,
    Responded,
    Told,
)
from controlplane.plan.plan import PlannedRoute
from foregate.explaintext import failed_words
from policies.headers.spec import HeaderOperations


def record(told: Told, notes: tuple[str, ...]) -> dict[str, object]:
    """Give what `json.dumps` takes."""
    request, arrived, winner = told.request, told.arrived, told.winner
    return {
        "request": asdict(request),
        "notes": [*notes, *(arrived.notes if arrived is not None else ())],
        "path": arrived.path if arrived is not None else None,
        "host": told.domain or None,
        "rule": winner.rule if winner is not None else None,
        "route": _route(winner) if isinstance(winner, PlannedRoute) else None,
        "outcome": _outcome(told.outcome),
        "grpc": asdict(told.grpc) if told.grpc is not None else None,
        "response": _operations(told.response),
        "lost": [_lost(one) for one in told.lost],
        "nearest": _lost(told.near) if told.near is not None else None,
        "nearestHost": told.near_host or None,
    }


def _route(planned: PlannedRoute) -> dict[str, object]:
    return {
        "path": planned.route.path.text,
        "place": str(planned.route.place),
        "policies": [
            {
                "key": one.key,
                "where": one.where,
                "why": one.why,
                "place": str(one.place),
                "inherited": one.inherited,
            }
            for one in planned.placements
        ],
    }


def _outcome(outcome: Outcome) -> dict[str, object]:
    match outcome:
        case Forwarded():
            return {
                "kind": "forward",
                "to": dict(outcome.to),
                "side": outcome.side or None,
                "target": outcome.target,
                "host": outcome.host,
                "request": _operations(outcome.request),
            }
        case Redirected():
            return {"kind": "redirect", "status": outcome.status, "location": outcome.location}
        case Responded():
            headers = dict(outcome.headers)
            status, body = outcome.status, outcome.body
            return {"kind": "respond", "status": status, "body": body, "headers": headers}
        case Refusal():
            return {
                "kind": "refusal",
                "status": outcome.status,
                "why": outcome.why,
                "allow": list(outcome.allow),
                "location": outcome.location or None,
            }


def _operations(operations: HeaderOperations) -> dict[str, object]:
    return {
        "set": dict(operations.set),
        "add": dict(operations.add),
        "remove": list(operations.remove),
    }


def _lost(lost: Lost) -> dict[str, object]:
    failed = lost.failed
    return {
        "rule": lost.route.rule,
        "path": lost.route.route.path.text,
        "place": str(lost.route.route.place),
        "condition": failed.condition.value,
        "name": failed.name or None,
        "wanted": failed.wanted,
        "had": list(failed.had),
        "why": failed_words(failed),
    }
