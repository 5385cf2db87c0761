"""Which instances of a service Envoys call: who is ready, and not late with a version."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The instances of one service by address. `late` are known to lack the newest version.

    With none ready the last ones stay: they may be back before Envoys notice. `before` are those
    of an earlier run of the control plane, for the time that they take to come back.
    """

    ready: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    late: frozenset[str] = frozenset()

    def with_ready(self, addresses: tuple[str, ...]) -> "Members":
        """Take in who is ready now."""
        return replace(self, ready=addresses) if addresses else self

    def with_late(self, addresses: tuple[str, ...]) -> "Members":
        """Take in who has not taken the newest version in time."""
        return replace(self, late=frozenset(addresses))

    @property
    def called(self) -> tuple[str, ...]:
        """The endpoints: without those that are late, but never fewer than half."""
        every = tuple(sorted({*self.ready, *self.before}))
        timely = tuple(a for a in every if a not in self.late)
        return timely if 2 * len(timely) >= len(every) else every

    @property
    def crowded(self) -> bool:
        """Whether too many are late to leave them out: some judge by an older version."""
        return bool(self.late.intersection(self.called))
