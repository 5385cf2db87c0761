"""When to act on changes: the first at once, later ones when it is quiet, none too late.

A state machine without a clock: times are monotonic seconds, and never go back.

    state = Debounce().changed(now)    # a change: `state.due` says when to act
    state = state.served(now)          # acting begins, with all that changed until now
"""

from dataclasses import dataclass, replace

QUIET = 0.1
"""Seconds without a change that end a burst of them; so much lies between two runs in a burst."""

LONGEST_QUIET = 1.0
"""What the quiet that is waited for grows to, as bursts follow each other."""

LONGEST = 10.0
"""Seconds after its first change when a burst is acted on though it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debounce:
    """What is known of the changes so far.

    `quiet` is the quiet that is waited for next, `first` the oldest change that was not acted on,
    `several` whether others followed it, `due` when to act (None: nothing to act on), `active` when
    something last changed or was acted on.
    """

    quiet: float = QUIET
    first: float | None = None
    several: bool = False
    due: float | None = None
    active: float | None = None

    def changed(self, now: float) -> "Debounce":
        """Take in a change.

        After a quiet it is due at once. Else it waits for one, and so do those before it.
        """
        if self.first is None or self.due is None:
            if self.active is None or now >= self.active + self.quiet:
                return Debounce(first=now, due=now, active=now)
            return replace(self, first=now, due=now + self.quiet, active=now)
        if self.due == self.first:  # at once, if that has not happened yet
            return replace(self, active=now, several=True)
        due = min(now + self.quiet, self.first + LONGEST)
        return replace(self, due=due, active=now, several=True)

    def served(self, now: float) -> "Debounce":
        """Begin to act on everything that changed until now. A burst makes the next wait longer.

        One change alone is none, however soon it came: who saves again as soon as the last is live
        does not wait longer each time.
        """
        if self.first is None:
            return replace(self, due=None, active=now)
        quiet = min(2 * self.quiet, LONGEST_QUIET) if self.several else QUIET
        return Debounce(quiet=quiet, active=now)
