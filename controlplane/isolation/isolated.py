"""What was kept out of a build."""

from dataclasses import dataclass
from typing import Literal

from controlplane.build import Build
from controlplane.snapshot import Subject
from language.places import Place

KeptState = Literal["last good", "closed"]
"""`last good`: it is as it was last served. `closed`: it never was good, and answers 503."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One part that is not as its lines say.

    `subject` is a whole route (`virtual host/rule`), a virtual host, a cluster, or a listener;
    `places` are its lines, `why` Envoy's words.
    """

    subject: Subject
    state: KeptState
    places: tuple[Place, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolated:
    """A build in which refused parts are replaced; to be proved again before it is published."""

    build: Build
    kept: tuple[Kept, ...]


def together(first: Isolated, then: Isolated) -> Isolated:
    """What two calls kept, the second of which was given the build of the first.

    A later word on a part stands for the earlier one; one on a virtual host for all its routes.
    """
    later = {one.subject for one in then.kept}
    earlier = (
        one
        for one in first.kept
        if one.subject not in later
        and one.subject._replace(part=one.subject.part.partition("/")[0]) not in later
    )
    return Isolated(build=then.build, kept=(*earlier, *then.kept))
