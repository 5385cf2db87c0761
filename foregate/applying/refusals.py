"""What stands against a version, told at the lines of the files."""

from collections.abc import Iterator, Sequence

from controlplane.build import Build
from controlplane.gate.verdicts import Provenance
from controlplane.rollout.published import Published
from controlplane.seen.blame import changed_routes, places
from controlplane.snapshot import Subject
from controlplane.xds.events import Nacked
from foregate.applying.stage import Texts
from language.mistakes import Mistake
from language.places import Place
from policies.auth.identities import Identity


def origin(texts: Texts) -> Place:
    """Where mistakes go that no line is known for."""
    return Place(next(iter(texts), "the last good version"), 1, 1)


def nack_mistakes(
    nacks: Sequence[Nacked],
    provenance: Provenance,
    where: Place,
    who: str = "Envoy",
    *,
    changed: frozenset[Subject] = frozenset(),
) -> tuple[Mistake, ...]:
    """Tell refusals at the lines of the resource that their words name, if they name one."""
    found = []
    for nack in nacks:
        at = places(nack, provenance, changed) or (where,)
        message = f"{who} refuses this: {nack.message}"
        found.append(Mistake(place=at[0], message=message, also=at[1:]))
    return tuple(dict.fromkeys(found))


def rejections(
    published: Published, build: Build, before: Build | None, where: Place
) -> tuple[Mistake, ...]:
    """Tell why a version was taken back, after `before` had been served."""
    changed = changed_routes(before.snapshot if before else None, build.snapshot)
    who = published.rejecting or "Envoy"
    return nack_mistakes(published.outcome.nacks, build.provenance, where, who, changed=changed)


def keyless(build: Build, sources: tuple[str, ...]) -> Iterator[Mistake]:
    """Warn where identities are defined whose issuers gave no key."""
    named = build.plan.named["identities"] if build.plan else {}
    for one in named.values():
        source = one.value.source() if isinstance(one.value, Identity) else None
        if source is not None and source.id in sources:
            yield Mistake(
                place=one.place,
                message=f"there are no keys for '{one.key.text}' yet: its tokens do not pass",
                hint="the log says why; they are asked for again and again",
                width=len(one.key.text),
                severity="warning",
            )
