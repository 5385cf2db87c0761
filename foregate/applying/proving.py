"""The way through the gate: what is refused stays behind, and the rest is proved again."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from controlplane.build import Build
from controlplane.gate.enforcement import unenforced
from controlplane.gate.gate import Gate
from controlplane.gate.placement import Unsound
from controlplane.gate.soundness import mistakes_of, unsound
from controlplane.gate.verdicts import Cause, Passed, Refused, Unproved, lines_of
from controlplane.gate.verdicts import mistakes as words_of
from controlplane.isolation.isolate import isolate
from controlplane.isolation.isolated import Isolated, Kept, together
from controlplane.isolation.widening import as_before, rules_of
from controlplane.snapshot import Subject
from language.mistakes import Mistake
from language.places import Place

ROUNDS = 10
"""How often a build is proved: each time with all that was refused so far replaced."""

EXACT = 2
EXACT_SECONDS = 2.0
"""For so many rounds, or so long, only what is blamed is taken out; then all of its files."""

SECONDS = 10.0
"""After so long no round begins but the second."""

MOST = 64
"""A cause that could not be narrowed down to so many parts keeps the whole version back."""

MANY = "too many routes of its file are refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A build that may be published, with what was kept out of it, and what is to be told."""

    build: Build
    verdict: Passed | Unproved
    kept: tuple[Kept, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


async def prove(
    gate: Gate, build: Build, good: Build | None, origin: Place
) -> Proved | tuple[Mistake, ...]:
    """Prove a build; what Envoy refuses stays as it is in `good`, or closed.

    Gives mistakes where no part of it can be published.
    """
    taking = _Taking(whole=build, good=good, origin=origin)
    began = time.monotonic()
    for number in range(ROUNDS):
        wrong = await asyncio.to_thread(_wrong, taking.done)
        verdict = _stopped(wrong) if wrong else await _verdict(gate, taking.build)
        if not isinstance(verdict, Refused):
            done = taking.done
            return Proved(build=done.build, verdict=verdict, kept=done.kept, mistakes=taking.told)
        taking.tell(
            mistakes_of(wrong, build.provenance, origin)
            if wrong
            else words_of(verdict, build.provenance, origin)
        )
        late = time.monotonic() - began
        many = not verdict.complete and (number >= EXACT or late > EXACT_SECONDS)
        ended = late > SECONDS and number > 0
        if ended or not await asyncio.to_thread(taking.out, verdict, many=many):
            break
    return taking.told


@dataclass(slots=True, kw_only=True)
class _Taking:
    """A build out of which is taken what is refused, round by round. `files` were taken whole."""

    whole: Build
    good: Build | None
    origin: Place
    done: Isolated = field(init=False)
    files: set[str] = field(default_factory=set)
    _mistakes: dict[Mistake, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.done = Isolated(build=self.whole, kept=())

    @property
    def build(self) -> Build:
        return self.done.build

    @property
    def told(self) -> tuple[Mistake, ...]:
        return tuple(self._mistakes)

    def tell(self, found: Iterable[Mistake]) -> None:
        self._mistakes |= dict.fromkeys(found)

    def out(self, verdict: Refused, *, many: bool) -> bool:
        """Take out what is refused, and where that is `many`, all of its files; False: it stays."""
        refused = dict(_refused(verdict.causes))
        if many:
            files = {at[0].file for one in refused if (at := lines_of(one, self.build.provenance))}
            refused = {**dict.fromkeys(self._others(files), MANY), **refused}
        made = isolate(self.build, self.good, refused) if refused else None
        if made is None:
            return False
        self.done = together(self.done, made)
        return True

    def _others(self, files: set[str]) -> Iterator[Subject]:
        """All that files wrote: as it was, and where that was not enough, closed."""
        kept = {one.subject for one in self.done.kept}
        stays = as_before(self.build, self.good)
        for one, place in rules_of(self.build, files):
            host = one._replace(part=one.part.partition("/")[0])
            if place.file in self.files or not (one in stays or one in kept or host in kept):
                yield one
        for file in sorted(files - self.files):
            self.tell([_other_routes(file, self.whole)])
        self.files |= files


def _other_routes(file: str, build: Build) -> Mistake:
    """Say once of a file that it is not only the routes that are told."""
    first = min(place for _, place in rules_of(build, {file}))
    return Mistake(
        place=first,
        message="and the other routes of this file stay as they are served, or closed: "
        "too many of them are refused",
    )


async def _verdict(gate: Gate, build: Build) -> Passed | Refused | Unproved:
    assert build.snapshot is not None  # noqa: S101 - a build without one goes through no gate
    return await gate.prove(build.snapshot)


def _wrong(done: Isolated) -> Sequence[Unsound]:
    """What is wrong although Envoy might take it: it is not asked then."""
    build = done.build
    if build.snapshot is None:
        return ()
    found = unsound(build.snapshot)
    if found or build.plan is None:
        return found
    return unenforced(build.snapshot, build.plan, [one.subject for one in done.kept])


def _stopped(wrong: Sequence[Unsound]) -> Refused:
    return Refused(
        causes=tuple(Cause(certain=(one.subject,), among=(), words=one.words) for one in wrong)
    )


def _refused(causes: tuple[Cause, ...]) -> Iterator[tuple[Subject, str]]:
    for cause in causes:
        parts = (*cause.certain, *cause.among)
        if len(parts) <= MOST:
            yield from ((part, cause.words) for part in parts)
