"""Who may have an unproved version, played: what is said to be due is applied and checked."""

from dataclasses import dataclass, field

from controlplane.xds.pilots import (
    PILOT_SECONDS,
    Answer,
    Pilots,
)
from controlplane.xds.world import World

SOFTWARE = ("envoy/1.40.0", "envoy/1.39.0", "")


@dataclass
class Seen:
    """A node as the test sees it; `since` is when it was given what it has, `said` its answer."""

    name: str
    software: str
    world: World | None = None
    held: bool = False
    since: float = 0.0
    said: Answer = "waiting"


@dataclass
class Play:
    """Applies what is said to be due, as streams do, and checks it each time."""

    pilots: Pilots[int] = field(default_factory=Pilots)
    there: dict[int, Seen] = field(default_factory=dict)
    refusing: set[str] = field(default_factory=set)
    proved: str | None = None
    count: int = 0
    now: float = 0.0

    def publish(self, world: World, proved: str | None = None) -> None:
        self.proved = proved
        self.refusing.clear()
        self.pilots.publish(world, proved, self.now)
        self.look(*self.there)

    def enter(self, name: str, software: str = "") -> int:
        self.count += 1
        self.there[self.count] = Seen(name, software)
        self.pilots.enter(self.count, node=name, software=software, now=self.now)
        self.look(self.count)
        return self.count

    def leave(self, one: int) -> None:
        del self.there[one]
        self.look(*self.pilots.leave(one, self.now))

    def say(self, one: int, answer: Answer) -> None:
        seen = self.there[one]
        seen.said = answer
        if answer == "refused" and self.pilots.awaits(one):
            self.refusing.add(seen.software)
        moved = self.pilots.note(one, answer, self.now)
        assert answer == "live" or not moved
        self.look(*moved)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.pilots.due) is not None and due <= end:
            self.now = due
            self.look(*self.pilots.tick(due))
        self.now = end

    def look(self, *moved: int) -> None:
        """Give those what they shall have; nobody else has anything else than before."""
        for one in moved:
            seen, due = self.there[one], self.pilots.has(one)
            if seen.world is not due.world or seen.held != due.held:
                self.there[one] = Seen(seen.name, seen.software, due.world, due.held, self.now)
        for one, seen in self.there.items():
            due = self.pilots.has(one)
            assert seen.world is due.world
            assert seen.held == due.held

    def group(self, software: str) -> list[Seen]:
        return [seen for seen in self.there.values() if seen.software == software]

    def kept(self) -> list[str]:
        return [seen.name for seen in self.there.values() if seen.held]

    def check(self) -> None:
        for software in SOFTWARE:
            group = self.group(software)
            held = [seen for seen in group if seen.held]
            if self.proved is None or (software and self.proved == software):
                assert not held
            if not held:
                continue
            new = [seen for seen in group if not seen.held]
            waited = [
                one for one in new if one.said == "waiting" and one.since + PILOT_SECONDS > self.now
            ]
            assert len(waited) <= 1
            assert all(one.said != "live" for one in new)
