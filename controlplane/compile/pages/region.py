"""The paths of a host cut into regions by raw prefixes, each with all entries that it can match.

A request goes to the region of the longest prefix that its path begins with, and no other region
is asked: so an entry that paths of several regions can match stands in each of them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile

from controlplane.plan.plan import Entry, PlannedRoute
from language.paths import PathPattern
from language.regexes import opening
from language.segments import Kind

LARGEST = 120
"""The most entries of a region that is not cut: a hundred cost Envoy 2 % of a request."""

WORTH_IT = 25
"""The fewest entries of its own that a region is made for."""

COPIES = 4
"""A region has at most so many times its own entries in copies: a changed one changes them all."""

ROOT = "/"


class Reach(Enum):
    """Which paths a pattern can match, of those that begin with its literal text."""

    ITSELF = "that text alone"
    BELOW = "that text, and what follows it after a slash"
    ANY = "any of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How the paths begin that a pattern can match."""

    text: str
    reach: Reach

    def within(self, prefix: str) -> bool:
        """Whether all its paths begin with a prefix."""
        return self.text.startswith(prefix)

    def reaches(self, prefix: str) -> bool:
        """Whether one of its paths may begin with a prefix."""
        if self.text.startswith(prefix):
            return True
        match self.reach:
            case Reach.ITSELF:
                return False
            case Reach.BELOW:
                return prefix.startswith(self.text + "/")
            case Reach.ANY:
                return prefix.startswith(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The paths that begin with `prefix` and with none of `carved`, and what they can match."""

    prefix: str
    carved: tuple[str, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """When to cut: regions with more entries than `largest`, for `worth_it` of its own or more."""

    largest: int = LARGEST
    worth_it: int = WORTH_IT


USUAL = Cutting()


def regions(entries: Sequence[Entry], cutting: Cutting = USUAL) -> tuple[Region, ...]:
    """Cut the paths of a host, the longest prefix first; the last region is that of `/`."""
    if len(entries) <= cutting.largest:
        return (Region(prefix=ROOT, carved=(), entries=tuple(entries)),)
    known = [_Known(entry, start_of(path_of(entry))) for entry in entries]
    cut = _cut(ROOT, known, cutting)
    return tuple(sorted(cut, key=lambda one: (-len(one.prefix), one.prefix)))


def path_of(entry: Entry) -> PathPattern:
    """The paths that an entry is for."""
    return entry.route.path if isinstance(entry, PlannedRoute) else entry.path


def start_of(path: PathPattern) -> Start:
    """What a pattern says of how its paths begin; the two cases of an escape say nothing."""
    if path.is_regex:
        return Start(text=_common(path.regex), reach=Reach.ANY)
    if path.text_alone:
        if path.rest is None:
            return Start(text=path.literal, reach=Reach.ITSELF)
        if path.literal:
            return Start(text=path.literal, reach=Reach.BELOW)
        return Start(text=ROOT, reach=Reach.ANY)
    text = ""
    for segment in path.fixed:
        literal, escape, _ = segment.text.partition("%")
        if segment.kind is not Kind.LITERAL:
            return Start(text=text + "/", reach=Reach.ANY)
        text += "/" + literal
        if escape:
            break
    return Start(text=text, reach=Reach.ANY)


def _common(regex: str) -> str:
    """What all paths begin with that match an expression; a path begins with `/` in any case."""
    text = opening(regex)
    return text if text.startswith(ROOT) else ROOT


@dataclass(frozen=True, slots=True)
class _Known:
    entry: Entry
    start: Start


def _cut(prefix: str, known: list[_Known], cutting: Cutting) -> Iterator[Region]:
    """The regions of the paths that begin with a prefix, given all entries that it can match."""
    rest, carved = known, []
    for below in _children(prefix, known) if len(known) > cutting.largest else ():
        own = [one for one in rest if not one.start.within(below)]
        inside = len(rest) - len(own)
        if len(rest) <= cutting.largest or inside < cutting.worth_it:
            break
        reaching = [one for one in known if one.start.reaches(below)]
        if len(reaching) - inside <= COPIES * inside:
            rest = own
            carved.append(below)
            yield from _cut(below, reaching, cutting)
    entries = tuple(one.entry for one in rest)
    yield Region(prefix=prefix, carved=tuple(sorted(carved)), entries=entries)


def _children(prefix: str, known: list[_Known]) -> list[str]:
    """The longer prefixes that entries begin with, one for each next character, largest first.

    Each is as long as all entries behind that character share.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for one in known:
        text = one.start.text
        if len(text) > len(prefix) and text.startswith(prefix):
            groups[text[len(prefix)]].append(text)
    found = [(len(texts), _shared(texts)) for texts in groups.values()]
    return [text for _, text in sorted(found, key=lambda one: (-one[0], one[1]))]


def _shared(texts: Sequence[str]) -> str:
    """What all texts begin with: it is what the first and the last of them share."""
    first, last = min(texts), max(texts)
    return "".join(
        a for a, _ in takewhile(lambda two: two[0] == two[1], zip(first, last, strict=False))
    )
