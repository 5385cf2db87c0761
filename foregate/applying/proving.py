"""The way through the gate: what is refused stays behind, and the rest is proved again."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.gate.soundness import unsound
from controlplane.isolation.isolate import isolate

from controlplane.build import Build
from controlplane.gate.gate import Gate
from controlplane.gate.verdicts import Cause, Passed, Refused, Unproved
from controlplane.gate.verdicts import mistakes as told
from controlplane.isolation.isolated import Kept
from controlplane.snapshot import Subject
from language.mistakes import Mistake
from language.places import Place

ROUNDS = 6
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
    now = build
    kept: dict[Subject, Kept] = {}
    mistakes: list[Mistake] = []
    for _ in range(ROUNDS):
        assert now.snapshot is not None  # noqa: S101 - only builds without errors come here
        verdict = await _verdict(gate, now)
        if not isinstance(verdict, Refused):
            return Proved(
                build=now, verdict=verdict, kept=tuple(kept.values()), mistakes=tuple(mistakes)
            )
        mistakes += told(verdict, build.provenance, origin)
        refused = dict(_refused(verdict.causes))
        isolated = await asyncio.to_thread(isolate, now, good, refused) if refused else None
        if isolated is None:
            break
        now = isolated.build
        kept |= {one.subject: one for one in isolated.kept}
    return tuple(dict.fromkeys(mistakes))


async def _verdict(gate: Gate, build: Build) -> Passed | Refused | Unproved:
    assert build.snapshot is not None  # noqa: S101 - as above
    wrong = await asyncio.to_thread(unsound, build.snapshot)
    if wrong:
        return Refused(
            causes=tuple(Cause(certain=(one.subject,), among=(), words=one.words) for one in wrong)
        )
    return await gate.prove(build.snapshot)


def _refused(causes: tuple[Cause, ...]) -> Iterator[tuple[Subject, str]]:
    for cause in causes:
        parts = (*cause.certain, *cause.among)
        if len(parts) <= MOST:
            yield from ((part, cause.words) for part in parts)
