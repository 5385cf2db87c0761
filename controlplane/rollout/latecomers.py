"""Answers to a version that come when nobody waits for them any more."""

import asyncio
from collections.abc import Callable

import structlog

from controlplane.rollout.moving import Moving
from controlplane.rollout.offering import Offering
from controlplane.xds.world import ENVOY

LOOK_SECONDS = 0.01
"""How long answers are gathered before late ones are looked for."""

_log = structlog.get_logger(__name__)


class Latecomers:
    """Looks whether who was late with a version has answered now.

    While somebody is `waited_for`, whoever publishes the version sees to it. `arrived` is called
    when all Envoys have it, `take_back` when one refuses it: it says whether there was a last good.
    """

    def __init__(
        self,
        offering: Offering,
        moving: Moving,
        *,
        waited_for: Callable[[], bool],
        arrived: Callable[[], None],
        take_back: Callable[[], bool],
    ) -> None:
        self._offering = offering
        self._moving = moving
        self._waited_for = waited_for
        self._arrived = arrived
        self._take_back = take_back
        self._timer: asyncio.TimerHandle | None = None

    def look_soon(self) -> None:
        """Look a little later, once for many answers that come at the same time."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self.look)

    def look(self) -> None:
        """See whether who was late with a version has answered now."""
        self._timer = None
        moving = self._moving
        if self._waited_for() or moving.target is None:
            return
        if self._offering.recount(moving.target):
            self._offering.call_members()
        there = moving.target is moving.good and not moving.under_way
        if there or ENVOY not in self._offering.versions:
            return
        for role in (*sorted(moving.target.calls), ENVOY):
            outcome = self._offering.outcome(role)
            if outcome is not None and outcome.state == "rejected":
                if moving.target is not moving.good and self._take_back():
                    why = tuple(nack.message for nack in outcome.nacks)
                    _log.error("a late node refuses the version: the last good is back", why=why)
                return
        outcome = self._offering.outcome(ENVOY)
        if outcome is not None and outcome.state == "live":
            self._arrived()

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
