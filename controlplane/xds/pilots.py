"""Who may have the newest version of the Envoys: where it is not proved, one node goes first.

A version is proved for everybody, for nobody, or for the nodes of one software (`envoy/1.40.0`).
Nodes of other software are a group each. One of the group, its pilot, is given the version; the
others keep the last that the group has passed, and get the new one when the pilot has all of it.
A pilot that refuses it ends that: the others never see it. But where they have nothing at all, one
sick node would leave them so for ever: then another goes first after a time, or soon after the
pilot has left. One that leaves or says nothing is waited for, each time longer, and then another
one goes first.

Nothing here has a clock or a socket: times are monotonic seconds, connections any object.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from controlplane.xds.world import World

PILOT_SECONDS = 10.0
"""How long the first pilot of a group may take, or stay away; each that follows has twice that."""

REFUSED_SECONDS = 60.0
"""How long a first refusal stops a group that has nothing; each that follows has twice that."""

LONGEST_SECONDS = 600.0
"""But no pilot has longer than this, and no refusal."""

GROUPS = 100
"""Of how many groups without a node it is remembered what they passed."""

Answer = Literal["waiting", "live", "refused"]
"""How far a node is with what it was given; `refused` is what stops the version."""

One = TypeVar("One", bound=Hashable)
"""What stands for a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a node shall have. `held`: it is kept from the newest; without a `world` from all."""

    world: World | None
    held: bool = False


@dataclass(slots=True, kw_only=True)
class _Member:
    node: str
    software: str
    live: bool = False


@dataclass(slots=True, kw_only=True)
class _Group(Generic[One]):
    """The nodes of one software.

    `passed` is the last world that all of them may have, `given` are those that have the newest
    before that. The `pilot` is one of these, or None while its node, `ahead`, is away. `until` is
    the end of its time, None when that is over and nobody is left to go first. While it is
    `refused`, `until` is when that ends, None for never. `refusers` are the nodes that did so.
    """

    members: dict[One, _Member] = field(default_factory=dict)
    passed: World | None = None
    given: set[One] = field(default_factory=set)
    pilot: One | None = None
    ahead: str = ""
    until: float | None = None
    tries: int = 0
    refused: bool = False
    refusers: set[str] = field(default_factory=set)

    def pass_on(self, world: World) -> None:
        """Let all have a world."""
        self.passed = world
        self.given.clear()
        self.refusers.clear()
        self.pilot, self.ahead, self.until, self.tries, self.refused = None, "", None, 0, False

    def begin(self, now: float) -> None:
        """Go on to a version that has to be passed. Who refused the last is asked again."""
        first = self.pilot
        self.given = set() if first is None else {first}
        if self.until is not None and not self.refused:
            return
        self.tries, self.refused = 0, False
        self.refusers.clear()
        first = self.next() if first is None else first
        if first is not None:
            self.go_first(first, now)

    def go_first(self, one: One, now: float) -> None:
        """Make one the pilot."""
        self.pilot, self.ahead = one, self.members[one].node
        self.given.add(one)
        self.until = now + min(PILOT_SECONDS * 2.0**self.tries, LONGEST_SECONDS)
        self.tries += 1

    def refuse(self, one: One, now: float) -> None:
        """Stop: for ever where the others have something, else for a time."""
        self.refusers.add(self.members[one].node)
        self.refused, self.until = True, None
        self.pilot, self.ahead = one, self.members[one].node
        if self.passed is None:
            seconds = REFUSED_SECONDS * 2.0 ** (self.tries - 1)
            self.until = now + min(seconds, LONGEST_SECONDS)

    def next(self) -> One | None:
        """Choose who goes first of those that have not, one that answers before all others.

        Who refused it before comes last.
        """
        left = (one for one in self.members if one not in self.given)
        return min(left, key=self._rank, default=None)

    def returned(self) -> One | None:
        """Give another stream of the node that was the pilot, if it is there."""
        found = (one for one, m in self.members.items() if m.node == self.ahead)
        return next((one for one in found if one not in self.given), None)

    def _rank(self, one: One) -> tuple[bool, bool, str]:
        member = self.members[one]
        return member.node in self.refusers, not member.live, member.node


class Pilots(Generic[One]):
    """All groups, and the newest world. An answer costs no more than a look into two tables."""

    def __init__(self) -> None:
        self.newest: World | None = None
        self._proved: str | None = None
        self._groups: dict[str, _Group[One]] = {}
        self._members: dict[One, _Member] = {}

    def publish(self, world: World, proved: str | None, now: float) -> None:
        """Take in a new world; any node may be given another one than before.

        `proved`: for which software, "" for none, None for all. The pilot of a version that its
        group has not passed yet is the pilot of the next too, and has no more time for it.
        """
        self.newest, self._proved = world, proved
        for software, group in self._groups.items():
            passed = group.passed
            if self._covers(software) or (passed and passed.version == world.version):
                group.pass_on(world)
            else:
                group.begin(now)

    def amend(self, amended: Callable[[World], World]) -> None:
        """Change what does not count as a new version in every world that nodes have."""
        known: dict[int, tuple[World, World]] = {}

        def mine(world: World) -> World:
            if id(world) not in known:
                known[id(world)] = (world, amended(world))
            return known[id(world)][1]

        if self.newest is not None:
            self.newest = mine(self.newest)
        for group in self._groups.values():
            if group.passed is not None:
                group.passed = mine(group.passed)

    def worlds(self) -> Iterator[World]:
        """Give each world that nodes may have, the newest last."""
        older = {id(w): w for g in self._groups.values() if (w := g.passed) is not None}
        older.pop(id(self.newest), None)
        yield from older.values()
        if self.newest is not None:
            yield self.newest

    def enter(self, one: One, *, node: str, software: str, now: float) -> None:
        """Take in a node, before it is given anything."""
        group = self._groups.get(software)
        if group is None:
            group = self._groups[software] = _Group()
            if self.newest is not None and self._covers(software):
                group.pass_on(self.newest)
        self._members[one] = group.members[one] = _Member(node=node, software=software)
        if self.newest is None or group.passed is self.newest or group.refused:
            return
        if group.until is None:
            group.go_first(one, now)
        elif group.pilot is None and group.ahead == node:
            group.pilot = one
            group.given.add(one)

    def leave(self, one: One, now: float) -> tuple[One, ...]:
        """Forget a node; give who is to have another world now."""
        member = self._members.pop(one, None)
        if member is None:
            return ()
        group = self._groups[member.software]
        del group.members[one]
        group.given.discard(one)
        if not group.members:
            self._tidy()
        if group.pilot != one:
            return ()
        if group.refused and group.until is not None:
            group.until = min(group.until, now + PILOT_SECONDS)
        group.pilot = None if group.refused or group.until is None else group.returned()
        if group.pilot is None:
            return ()
        group.given.add(group.pilot)
        return (group.pilot,)

    def note(self, one: One, answer: Answer, now: float) -> tuple[One, ...]:
        """See how far a node is with what it was given; give who is to have another world now."""
        member = self._members.get(one)
        if member is None:
            return ()
        member.live = answer == "live"
        group = self._groups[member.software]
        if self.newest is None or not self.awaits(one):
            return ()
        if answer == "refused":
            group.refuse(one, now)
        if answer != "live":
            return ()
        others = tuple(other for other in group.members if other not in group.given)
        group.pass_on(self.newest)
        return others

    def awaits(self, one: One) -> bool:
        """Whether a group waits for what this one says to the newest version."""
        member = self._members.get(one)
        group = self._groups[member.software] if member is not None else None
        return group is not None and one in group.given and not group.refused

    def retries(self, one: One) -> bool:
        """Whether this one is to see what another has refused, as nobody has anything."""
        return self.awaits(one) and bool(self._groups[self._members[one].software].refusers)

    def tick(self, now: float) -> tuple[One, ...]:
        """Have others go first where a pilot's time is over; give them."""
        moved: list[One] = []
        for group in self._groups.values():
            if group.until is None or group.until > now:
                continue
            first = group.next()
            group.until, group.refused = None, False
            if first is not None:
                group.go_first(first, now)
                moved.append(first)
        return tuple(moved)

    @property
    def due(self) -> float | None:
        """When it is to be ticked."""
        return min((g.until for g in self._groups.values() if g.until is not None), default=None)

    def has(self, one: One) -> Given:
        """Say what a node shall have."""
        member = self._members.get(one)
        group = self._groups[member.software] if member is not None else None
        if group is None or one in group.given or group.passed is self.newest:
            return Given(world=self.newest)
        return Given(world=group.passed, held=True)

    def _covers(self, software: str) -> bool:
        return self._proved is None or self._proved == software != ""

    def _tidy(self) -> None:
        empty = [software for software, group in self._groups.items() if not group.members]
        for software in empty[:-GROUPS]:
            del self._groups[software]
