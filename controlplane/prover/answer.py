"""What the prover says."""

from dataclasses import dataclass
from typing import TypeAlias

from controlplane.snapshot import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Envoy took all of it; `replaced` is what was taken out of the copy, in words."""

    software: str
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opposed:
    """Envoy refuses something. `blamed` is what it may be (or a part), `words` are Envoy's own."""

    blamed: tuple[Subject, ...]
    words: str
    software: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """There is no answer: the prover is not there, too slow, or not fit to be asked."""

    reason: str


Answer: TypeAlias = Taken | Opposed | NoAnswer
