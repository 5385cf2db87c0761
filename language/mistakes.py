"""Mistakes of the user: values that are collected and shown together, never exceptions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from language.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing to mend.

    `hint` says how, in a few words; `width` is how many characters the caret underlines;
    `also` are other places that the message is about (a name defined twice). Where it is `hidden`
    a secret may stand: no report shows it.
    """

    place: Place
    message: str
    hint: str = ""
    width: int = 1
    also: tuple[Place, ...] = ()
    severity: Literal["error", "warning"] = "error"
    hidden: bool = False


def errors(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """Those that stop a publish."""
    return tuple(m for m in mistakes if m.severity == "error")
