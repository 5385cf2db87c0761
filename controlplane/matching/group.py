"""The entries of one path, found by the exact values that they want."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import TypeAlias

from controlplane.matching.condition import Condition, Name, met
from language.matches import How
from language.paths import PathPattern
from language.relations import meets

Names: TypeAlias = tuple[Name, ...]
Values: TypeAlias = tuple[tuple[str, str, str], ...]
"""Sorted (kind, name, value) of the exact part of a condition."""

_Entry: TypeAlias = tuple[int, Condition]
"""A position, and what is wanted there beside exact values."""


@dataclass(slots=True)
class Group:
    """The entries of one path, by the names of which they want exact values, and the values."""

    path: PathPattern
    begins: bytes
    by_names: dict[Names, dict[Values, list[_Entry]]] = field(default_factory=dict)
    least: int = -1
    _by_part: dict[tuple[Names, Names], dict[Values, list[Values]]] = field(default_factory=dict)

    def add(self, position: int, wanted: Condition) -> None:
        """Add an entry; positions come in order."""
        self.least = position if self.least < 0 else self.least
        values, rest = _parts(wanted)
        names = tuple((kind, name) for kind, name, _ in values)
        self.by_names.setdefault(names, {}).setdefault(values, []).append((position, rest))

    def carried(self, has: Mapping[Name, str]) -> Iterator[int]:
        """The positions whose conditions a request meets that carries these."""
        for names in self._named(tuple(sorted(has))):
            wanted = self.by_names.get(names)
            if wanted is not None:
                for position, rest in wanted.get(tuple((*name, has[name]) for name in names), ()):
                    if not rest or met(rest, has):
                        yield position

    def _named(self, names: Names) -> Iterable[Names]:
        """The names among these that entries may look at: every choice, or all that there are."""
        if 2 ** len(names) > len(self.by_names):
            return [one for one in self.by_names if set(one) <= set(names)]
        return chain.from_iterable(combinations(names, n) for n in range(len(names) + 1))

    def beside(self, wanted: Condition) -> Iterator[int]:
        """The positions whose conditions one request could meet beside these."""
        have = {(kind, name): value for kind, name, value in _parts(wanted)[0]}
        every = {(kind, name): match for kind, name, match in wanted}
        loose = len(every) > len(have)
        for names, found in self.by_names.items():
            shared = tuple(name for name in names if name in have)
            part = tuple((*name, have[name]) for name in shared)
            if (names, shared) not in self._by_part:
                index: dict[Values, list[Values]] = defaultdict(list)
                for one in found:
                    index[tuple(c for c in one if (c[0], c[1]) in shared)].append(one)
                self._by_part[names, shared] = index
            for values in self._by_part[names, shared].get(part, ()):
                if loose and not all(
                    every[kind, name].takes(value)
                    for kind, name, value in values
                    if (kind, name) in every
                ):
                    continue
                for position, rest in found[values]:
                    if all(
                        meets(match, every[kind, name])
                        for kind, name, match in rest
                        if (kind, name) in every
                    ):
                        yield position


def _parts(wanted: Condition) -> tuple[Values, Condition]:
    """The exact values of a condition, and the rest."""
    values = tuple((k, n, match.text) for k, n, match in wanted if match.how is How.EXACT)
    return values, tuple(one for one in wanted if one[2].how is not How.EXACT)
