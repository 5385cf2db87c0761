"""What is told of a request, for people at a terminal: the answer first, then why."""

from collections.abc import Iterator, Mapping

from controlplane.explaining.told import (
    Condition,
    Failed,
    Forwarded,
    Lost,
    Outcome,
    Redirected,
    Refusal,
    Responded,
    Told,
)
from controlplane.plan.plan import PlannedRoute
from language.report import visible
from policies.headers.spec import HeaderOperations

SHOWN = 10
"""How many routes that lost are written out; `-v` shows all."""

_BOLD, _RED, _GREEN, _DIM, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
_BODY = 60  # characters of a fixed body
_NOUNS = {Condition.HEADER: "header", Condition.QUERY: "parameter"}


def text(told: Told, notes: tuple[str, ...], *, everything: bool, colour: bool) -> str:
    """The whole page, no newline at the end."""
    return "\n".join(_Page(colour=colour).lines(told, notes, everything=everything))


def failed_words(failed: Failed) -> str:
    """Why a route lost, in a few words."""
    had = " and ".join(f"'{one}'" for one in failed.had)
    match failed.condition:
        case Condition.PATH:
            return f"path {failed.had[0]} is not {failed.wanted}"
        case Condition.METHOD:
            return f"method {failed.had[0]} is not {failed.wanted}"
        case Condition.HEADER | Condition.QUERY:
            what = f"{_NOUNS[failed.condition]} {failed.name}"
            wanted = failed.wanted or "''"
            return f"{what} is {had}, not {wanted}" if had else f"no {what}: {wanted} wanted"


class _Page:
    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def lines(self, told: Told, notes: tuple[str, ...], *, everything: bool) -> Iterator[str]:
        request = told.request
        yield self._paint(visible(f"{request.method} {request.host}{request.target}"), _BOLD)
        arrived = told.arrived.notes if told.arrived is not None else ()
        yield from (self._row("", note) for note in (*notes, *arrived))
        yield self._answer(told.outcome)
        if told.grpc is not None:
            heard = told.grpc
            words = f"grpc-status {heard.status} ({heard.name}), with the HTTP status {heard.http}"
            yield self._row("grpc", words)
        if told.domain:
            yield self._row("host", told.domain)
        yield from self._route(told)
        yield from self._done(told.outcome)
        yield from self._headers("response", told.response)
        if isinstance(told.winner, PlannedRoute):
            for one in told.winner.placements:
                origin = "inherited from" if one.inherited else "written at"
                words = f"{one.key} in {one.where}: {one.why}"
                yield self._row("policy", words, f"{origin} {one.place}")
        yield from self._lost(told, everything=everything)

    def _answer(self, outcome: Outcome) -> str:
        shade = _RED if isinstance(outcome, Refusal) else _GREEN
        return self._paint(visible(_answer_words(outcome)), _BOLD + shade)

    def _route(self, told: Told) -> Iterator[str]:
        winner = told.winner
        if isinstance(winner, PlannedRoute):
            words = f"{winner.route.path.text}  {winner.rule}"
            yield self._row("route", words, str(winner.route.place))
        elif winner is not None:
            places = ", ".join(str(place) for place in winner.places)
            yield self._row("path", f"{winner.path.text}  {winner.rule}", places)
        if told.near is not None:
            words = f"{failed_words(told.near.failed)}"
            yield self._row("nearest", words, str(told.near.route.route.place))
        if told.near_host:
            yield self._row("nearest", f"host {told.near_host}")

    def _done(self, outcome: Outcome) -> Iterator[str]:
        match outcome:
            case Forwarded():
                if outcome.side:
                    yield self._row("side", outcome.side)
                yield self._row("sent", f"{outcome.target}  host: {outcome.host}")
                yield from self._headers("request", outcome.request)
            case Responded():
                yield from (self._row("header", f"{n}: {v}") for n, v in outcome.headers.items())
                if outcome.body:
                    more = "…" if len(outcome.body) > _BODY else ""
                    yield self._row("body", outcome.body[:_BODY] + more)
            case Refusal():
                if outcome.allow:
                    yield self._row("allow", ", ".join(outcome.allow))
                if outcome.location:
                    yield self._row("location", outcome.location)
            case Redirected():
                pass

    def _headers(self, which: str, operations: HeaderOperations) -> Iterator[str]:
        for words in operation_words(operations):
            yield self._row(which, words)

    def _lost(self, told: Told, *, everything: bool) -> Iterator[str]:
        shown = told.lost if everything else told.lost[-SHOWN:]
        if shown:
            before = "" if told.winner is None else " before it"
            yield self._paint(f"tried{before}: the path fits, and", _DIM)
        if len(shown) < len(told.lost):
            yield f"  … {len(told.lost) - len(shown)} more: -v shows all"
        for one in shown:
            yield self._row("lost", _lost_words(one), str(one.route.route.place))

    def _row(self, name: str, words: str, place: str = "") -> str:
        end = f"  {self._paint(visible(place), _DIM)}" if place else ""
        return f"  {name:<9} {visible(words)}{end}".rstrip()

    def _paint(self, words: str, code: str) -> str:
        return f"{code}{words}{_PLAIN}" if self._colour else words


def _answer_words(outcome: Outcome) -> str:
    match outcome:
        case Forwarded():
            return f"to {weights(outcome.to)}"
        case Redirected():
            return f"{outcome.status} to {outcome.location}"
        case Responded():
            return f"{outcome.status}, a fixed answer"
        case Refusal():
            return f"{outcome.status}: {outcome.why}"


def weights(to: Mapping[str, int]) -> str:
    """Backends, with weights where there are several."""
    if len(to) == 1:
        return next(iter(to))
    return ", ".join(f"{name} {weight}%" for name, weight in to.items())


def operation_words(operations: HeaderOperations) -> Iterator[str]:
    """What is done to headers, one operation each."""
    yield from (f"remove {name}" for name in operations.remove)
    yield from (f"set {name}: {value}" for name, value in operations.set.items())
    yield from (f"add {name}: {value}" for name, value in operations.add.items())


def _lost_words(lost: Lost) -> str:
    return f"{lost.route.route.path.text}  {failed_words(lost.failed)}"
