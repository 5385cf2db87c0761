"""What one entry of a plan asks of the routes that it became, in the table where they stand."""

from collections.abc import Iterator
from functools import lru_cache

from controlplane.compile.listener import BODY_BYTES
from controlplane.compile.streams import streams, upgrades
from controlplane.gate.facts.facts import NOTHING_ENFORCED, Enforced, Written
from controlplane.gate.facts.route import alike, enforcements
from controlplane.gate.same import Same
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from language.paths import PathPattern
from policies import PREFLIGHTS
from policies.contract import Action, Settings
from policies.cors.spec import KEY as CORS

KEPT = 16_384
"""How many settings are remembered: most of a plan is that of the one before."""

_FORBIDDEN, _NOT_ALLOWED, _UNAVAILABLE = 403, 405, 503


def of_entry(
    entry: Entry, written: list[Written], let_in: frozenset[str], streaming: frozenset[str]
) -> Iterator[str]:
    """What is wrong with the routes of an entry.

    `let_in` are the upgrades that get to their table, `streaming` the backends to which bodies are
    streams.
    """
    if not written:
        yield f"there is no route for '{path_of(entry).text}': another would take its requests"
        return
    served = [one for one in written if not one.bars]  # what bars passes nobody
    untaken = let_in - _upgrades(entry) if let_in else let_in
    if untaken and not all(one.barred for one in served):
        yield f"it is to refuse what would become {min(untaken)}"
    held = _held(entry, streaming)
    if any(one.held != held for one in served):
        yield f"it is to hold back bodies of {held} bytes" if held else "it is to hold back no body"
    alone = _answer(entry)
    if alone:
        if any(one.answers != alone for one in served):
            yield f"it is to answer {alone}"
        return
    if any(one.answers for one in served):
        yield "an answer of the gateway stands in its place"
        return
    asked = _asked(entry)
    unanswered = isinstance(entry, PlannedRoute) and entry.unanswered
    if unanswered and not _spared(served):
        yield f"its '{CORS}' is to answer preflights, and none about other routes"
    for one in served:
        if one.enforced != asked and not (unanswered and _without_cors(one, asked)):
            yield from _differences(asked, one.enforced)


def _upgrades(entry: Entry) -> frozenset[str]:
    return frozenset(upgrades(entry)) if isinstance(entry, PlannedRoute) else frozenset()


def _held(entry: Entry, streaming: frozenset[str]) -> int:
    """Up to how many bytes bodies are held back until they are whole."""
    if not isinstance(entry, PlannedRoute) or entry.held:
        return 0
    forwards = entry.route.action is Action.FORWARD
    return BODY_BYTES if forwards and not streams(entry, streaming) else 0


def _spared(served: list[Written]) -> bool:
    """Whether what answers preflights is there, behind what takes those that it is not to."""
    answering = [one for one in served if CORS in one.enforced]
    return bool(answering) and all(one.spared for one in answering)


def _answer(entry: Entry) -> int:
    """What the gateway itself answers in the place of an entry, 0 where it does not."""
    match entry:
        case MethodNotAllowed():
            return _NOT_ALLOWED
        case Preflight():
            return 0 if entry.route is not None else _FORBIDDEN
        case PlannedRoute():
            return _UNAVAILABLE if entry.held else 0


def _asked(entry: Entry) -> Enforced:
    """What an entry asks of its routes, in the words of the policies."""
    if isinstance(entry, MethodNotAllowed) or (isinstance(entry, Preflight) and not entry.route):
        return NOTHING_ENFORCED
    planned = entry if isinstance(entry, PlannedRoute) else entry.route
    assert planned is not None  # noqa: S101 - as was said above
    keys = enforcements().keys() if planned is entry else frozenset(PREFLIGHTS)
    words = {
        one.key: _words(one.key, Same(one.value)) for one in planned.settings if one.key in keys
    }
    return {key: said for key, said in words.items() if said}


@lru_cache(maxsize=KEPT)
def _words(key: str, value: Same) -> frozenset[str]:
    settings: Settings = value.it
    return alike(frozenset(enforcements()[key].asked(settings)))


def _without_cors(one: Written, asked: Enforced) -> bool:
    """Whether a route is for preflights that the policy of its `cors` is not to answer."""
    rest = {key: words for key, words in asked.items() if key != CORS}
    return one.preflight and one.enforced == rest


def _differences(asked: Enforced, found: Enforced) -> Iterator[str]:
    for key in sorted({*asked, *found}):
        wanted, does = asked.get(key, frozenset()), found.get(key, frozenset())
        if wanted - does:
            yield f"its '{key}' is lost: it is to {min(wanted - does)}"
        elif does - wanted:
            yield f"its '{key}' is another: it is not to {min(does - wanted)}"


def path_of(entry: Entry) -> PathPattern:
    """The path of an entry."""
    return entry.route.path if isinstance(entry, PlannedRoute) else entry.path
