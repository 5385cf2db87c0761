"""What the gate answers, and how a refusal is told to the one who wrote the lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from controlplane.snapshot import CLUSTER, LISTENER, Subject
from language.mistakes import Mistake
from language.places import Place

How = Literal["prover", "validate"]
"""`prover`: a warm Envoy took it over xDS. `validate`: a run of `envoy --mode validate` did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Envoy accepts the whole set.

    `how` says what proved it, `software` for which Envoys it holds (`envoy/1.40.0`, as nodes call
    themselves; empty where that is not known), `replaced` what was taken out of the copy that was
    proved, in words: empty where it was proved as it is.
    """

    how: How = "validate"
    software: str = ""
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What is refused by itself.

    `certain` and `among` as in `bisect.Found`; `words` are Envoy's own.
    """

    certain: tuple[Subject, ...]
    among: tuple[Subject, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Envoy refuses it for these causes, which are independent of each other, one at least.

    `complete`: without them it is accepted; otherwise the search ended before all were found.
    `how` and `software` as in `Passed`.
    """

    causes: tuple[Cause, ...]
    complete: bool = True
    how: How = "validate"
    software: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproved:
    """There is no answer: no Envoy, no time, no memory. Never a reason to hold an update back."""

    reason: str


Verdict: TypeAlias = Passed | Refused | Unproved

Provenance: TypeAlias = Mapping[Subject, tuple[Place, ...]]

SHOWN = 5
"""How many of the candidates are named when the search could not narrow them to one."""

KINDS = {CLUSTER: "backend", LISTENER: "listener"}


def mistakes(refused: Refused, provenance: Provenance, origin: Place) -> tuple[Mistake, ...]:
    """Tell each cause of a refusal at its lines, our words first and Envoy's after.

    `origin` is where a mistake goes whose resources no line is known to have produced.
    """
    return tuple(dict.fromkeys(_mistake(one, provenance, origin) for one in refused.causes))


def _mistake(refused: Cause, provenance: Provenance, origin: Place) -> Mistake:
    places = _places(refused.certain, provenance)
    others = _places(refused.among, provenance)
    if not places:
        places, others = others, ()
    subjects = refused.certain or refused.among
    what = KINDS.get(subjects[0].type_url, "route") if subjects else "gateway"
    if refused.among:
        more = len(refused.among)
        message = f"Envoy refuses this {what}, perhaps only together with one of {more} others"
        if not refused.certain:
            message = f"Envoy refuses at least one of {more} parts, this {what} may be it"
    elif len(subjects) > 1 and len(places) > 1:
        message = f"Envoy refuses these {len(subjects)} together, each alone it accepts"
    else:
        message = f"Envoy refuses this {what}"
    first, *rest = places or (origin,)
    return Mistake(
        place=first,
        message=f"{message}: {refused.words}",
        hint="this passed every check of Foregate's own: please report it",
        also=(*rest, *others[:SHOWN]),
    )


def _places(subjects: tuple[Subject, ...], provenance: Provenance) -> tuple[Place, ...]:
    """Take the first line of each subject, without repetition, in file order."""
    found = {places[0] for s in subjects if (places := lines_of(s, provenance))}
    return tuple(sorted(found))


def lines_of(subject: Subject, provenance: Provenance) -> tuple[Place, ...]:
    """Give the lines of a subject, or of the nearest whole that it is a part of."""
    name = subject
    while True:
        if places := provenance.get(name):
            return places
        if not name.part:
            return ()
        host, slash, _ = name.part.partition("/")
        name = name._replace(part=host if slash else "")
