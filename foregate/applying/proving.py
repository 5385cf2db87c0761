"""The way through the gate: what is refused stays behind, and the rest is proved again."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.build import Build
from controlplane.gate.gate import Gate
from controlplane.gate.soundness import Unsound, mistakes_of, unsound
from controlplane.gate.verdicts import Cause, Passed, Refused, Unproved
from controlplane.gate.verdicts import mistakes as words_of
from controlplane.isolation.isolate import isolate
from controlplane.isolation.isolated import Isolated, Kept, together
from controlplane.snapshot import Subject
from language.mistakes import Mistake
from language.places import Place

ROUNDS = 10
"""How often a build is proved: each time with all that was refused so far replaced."""

MOST = 64
"""A cause that could not be narrowed down to so many parts keeps the whole version back."""


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
    done = Isolated(build=build, kept=())
    mistakes: list[Mistake] = []
    for _ in range(ROUNDS):
        wrong = await asyncio.to_thread(_wrong, done.build)
        verdict = _stopped(wrong) if wrong else await _verdict(gate, done.build)
        if not isinstance(verdict, Refused):
            told = tuple(dict.fromkeys(mistakes))
            return Proved(build=done.build, verdict=verdict, kept=done.kept, mistakes=told)
        if wrong:
            mistakes += mistakes_of(wrong, build.provenance, origin)
        else:
            mistakes += words_of(verdict, build.provenance, origin)
        refused = dict(_refused(verdict.causes))
        made = await asyncio.to_thread(isolate, done.build, good, refused) if refused else None
        if made is None:
            break
        done = together(done, made)
    return tuple(dict.fromkeys(mistakes))


async def _verdict(gate: Gate, build: Build) -> Passed | Refused | Unproved:
    assert build.snapshot is not None  # noqa: S101 - a build without one goes through no gate
    return await gate.prove(build.snapshot)


def _wrong(build: Build) -> tuple[Unsound, ...]:
    """What is wrong although Envoy might take it: it is not asked then."""
    return unsound(build.snapshot) if build.snapshot is not None else ()


def _stopped(wrong: tuple[Unsound, ...]) -> Refused:
    return Refused(
        causes=tuple(Cause(certain=(one.subject,), among=(), words=one.words) for one in wrong)
    )


def _refused(causes: tuple[Cause, ...]) -> Iterator[tuple[Subject, str]]:
    for cause in causes:
        parts = (*cause.certain, *cause.among)
        if len(parts) <= MOST:
            yield from ((part, cause.words) for part in parts)
