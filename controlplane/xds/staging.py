"""Which world each Envoy's stream shall have: pilots, fed from streams and timed by the loop."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from controlplane.snapshot import Snapshot
from controlplane.xds.connection import Connection
from controlplane.xds.discovery import Request
from controlplane.xds.pilots import Answer, Pilots
from controlplane.xds.stream import Held
from controlplane.xds.world import ENVOY, World
from controlplane.xds.world import world as prepared

_log = structlog.get_logger(__name__)


class Staging:
    """Has versions that are not proved go to one node of each software first.

    While the newest is partial, who comes and holds something already is sent nothing.
    `give` is called with a stream that is to have another world than before, `opposed` says
    whether a refusal that is there stops the newest version.
    """

    def __init__(self, give: Callable[[Connection], None], opposed: Callable[[], bool]) -> None:
        self._give = give
        self._opposed = opposed
        self._pilots: Pilots[Connection] = Pilots()
        self._partial = False
        self._apart: dict[Connection, tuple[str, str]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def worlds(self) -> Iterable[World]:
        """Each world that Envoys may have."""
        return self._pilots.worlds()

    def publish(self, new: World, proved: str | None, *, partial: bool) -> None:
        """Take in the newest world, for whose software it is proved, whether it lacks a part."""
        self._partial = partial
        self._pilots.publish(new, proved, _now())
        if not partial:
            for connection, (node, software) in self._apart.items():
                self._pilots.enter(connection, node=node, software=software, now=_now())
            self._apart.clear()
        self._arm()

    def amend(self, amended: Callable[[Snapshot], Snapshot]) -> World | None:
        """Change what makes no new version, in all worlds; give the newest."""

        def mine(one: World) -> World:
            new = amended(one.snapshot)
            return one if new.version == one.version else prepared(new, ENVOY, before=one)

        self._pilots.amend(mine)
        return self._pilots.newest

    def enter(self, connection: Connection, request: Request) -> None:
        """Take in an Envoy with its first request."""
        node, software = request.node, request.software
        if self._partial and (request.initial or request.version):
            self._apart[connection] = (node, software)
            return
        self._pilots.enter(connection, node=node, software=software, now=_now())
        self._arm()

    def leave(self, connection: Connection) -> None:
        """Forget a stream that ends."""
        self._apart.pop(connection, None)
        self._move(self._pilots.leave(connection, _now()))
        self._arm()

    def retries(self, connection: Connection) -> bool:
        """Whether a stream is to see what another has refused."""
        return self._pilots.retries(connection)

    def due(self, connection: Connection) -> tuple[World | None, Held]:
        """Say what a stream shall have, None before the first version."""
        given = self._pilots.has(connection)
        if connection in self._apart or (given.world is None and given.held):
            return self._pilots.newest, "all"
        return given.world, "older" if given.held else ""

    def note(self, connection: Connection) -> None:
        """See how far an Envoy is with what it has."""
        stream = connection.stream
        world, held = self.due(connection)
        if stream.world is not world or stream.held != held:
            return  # it is about to have another
        answer: Answer = "live" if stream.answered == "live" else "waiting"
        if stream.answered == "rejected" and self._pilots.awaits(connection):
            answer = "refused" if self._opposed() else "live"  # what others took stops nothing
        self._move(self._pilots.note(connection, answer, _now()))
        if answer == "refused":
            self._arm()

    def _move(self, moved: Iterable[Connection]) -> None:
        for connection in moved:
            self._give(connection)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self._pilots.due
        again = asyncio.get_running_loop().call_at
        self._timer = again(due, self._tick) if due is not None else None

    def _tick(self) -> None:
        moved = self._pilots.tick(_now())
        for connection in moved:
            node, software = connection.stream.node, connection.stream.software
            _log.warning("an unproved version goes to another first", node=node, software=software)
        self._arm()
        self._move(moved)


def _now() -> float:
    return asyncio.get_running_loop().time()
