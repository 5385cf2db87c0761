"""The stage of a server: nothing is started for a gateway, all is told to the log."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from controlplane.build import Build
from controlplane.snapshot import Snapshot
from foregate.applying.stage import Live, Texts
from language.mistakes import Mistake
from language.places import Place

_log = structlog.get_logger(__name__)


class LogStage:
    """The stage of a server: nothing is started for a gateway, all is told to the log."""

    async def fitting(self, build: Build, snapshot: Snapshot, origin: Place) -> tuple[Mistake, ...]:  # noqa: ARG002 # ports are the nodes'
        """Nothing here can stand against a build."""
        return ()

    async def made_ready(self, build: Build) -> None:
        """Nothing has to be started."""

    async def went_live(self, live: Live, *, first: bool) -> None:
        """Tell the version."""
        version = live.build.snapshot.version if live.build.snapshot else ""
        _log.info(
            "live",
            number=live.number,
            version=version,
            seconds=round(live.took, 3),
            written=round(live.written, 3),
            first=first,
            restored=live.restored,
        )

    def mistakes(self, found: Sequence[Mistake], texts: Texts) -> None:  # noqa: ARG002 # a log line has no room for a source line
        """Tell each at its place."""
        for one in found:
            tell = _log.error if one.severity == "error" else _log.warning
            tell(one.message, place=str(one.place), hint=one.hint)

    def stays(self, since: datetime | None) -> None:
        """Tell what is served meanwhile."""
        if since:
            _log.warning("the last good version stays", since=since.isoformat(timespec="seconds"))
        else:
            _log.error("nothing is served yet")

    def unchanged(self) -> None:
        """Tell that the files were read."""
        _log.info("nothing changes")

    def warn(self, *lines: str) -> None:
        """Tell it."""
        _log.warning(lines[0], more=lines[1:])
