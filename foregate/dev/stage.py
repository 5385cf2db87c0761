"""The stage of `dev`: ports of this machine, the demo upstream and issuer, and one terminal."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from controlplane.build import Build
from controlplane.plan.plan import Plan
from controlplane.snapshot import Snapshot
from foregate.applying.stage import Live, Texts
from foregate.dev import envoy
from foregate.dev.backends import local_backends
from foregate.dev.credentials import LocalIssuer, Wallet, local_issuers, token_of
from foregate.dev.curl import curl_lines
from foregate.dev.ports import Port, ports_of, refusals
from foregate.dev.standin import StandIn
from foregate.dev.upstream import Backend
from foregate.dev.voice import Voice
from language.mistakes import Mistake
from language.places import Place

OPEN_SECONDS = 5.0


class CannotStartError(Exception):
    """There is nothing to serve and saving a file would not change that."""


@dataclass(slots=True, kw_only=True)
class DevStage:
    """What is around the gateway of `dev`.

    `stand_in`: the demo upstream takes the ports of backends that nobody serves. Not for `--to`:
    it would take the port of the very program that the user is about to start. `needed` hears
    which services a build calls, before it is published.
    """

    upstream: StandIn
    issuer: StandIn
    voice: Voice
    folder: Path
    stand_in: bool
    needed: Callable[[frozenset[str]], None]
    envoy_up: asyncio.Event = field(default_factory=asyncio.Event)
    _open: tuple[Port, ...] = ()
    _backends: tuple[Backend, ...] = ()
    _others: frozenset[str] = frozenset()
    _issuers: tuple[LocalIssuer, ...] = ()

    async def fitting(self, build: Build, snapshot: Snapshot, origin: Place) -> tuple[Mistake, ...]:
        """Refuse what wants ports that others hold; before the first version that is the end."""
        taken = refusals(self._new(ports_of(snapshot)), build.provenance, origin)
        if taken and not self._open:
            raise CannotStartError(*(f"{one.message}: {one.hint}" for one in taken))
        return taken

    async def made_ready(self, build: Build) -> None:
        """Have the services that it calls, and somebody answer for its backends."""
        self.needed(build.calls)
        self._backends = local_backends(build.plan) if build.plan and self.stand_in else ()
        self._others = await self.upstream.serve(
            [(one.name, one.host, one.port) for one in self._backends]
        )
        issuers = local_issuers(build.plan) if build.plan and self.stand_in else ()
        foreign = await self.issuer.serve([(i.url, i.audience) for i in issuers])
        self._issuers = tuple(i for i in issuers if i.url not in foreign)

    async def went_live(self, live: Live, *, first: bool) -> None:
        """Wait until its ports take connections, then say so."""
        await self.envoy_up.wait()  # bounded by its supervisor, which gives up
        ports = ports_of(live.build.snapshot) if live.build.snapshot else ()
        for port in self._new(ports):
            await envoy.accepts(port.host, port.port, OPEN_SECONDS)
        self._open = ports
        if first:
            await self._greet(live, ports)
        else:
            self.voice.say(f"{_clock(live.since)} live in {live.took:.2f} s")

    def mistakes(self, found: Sequence[Mistake], texts: Texts) -> None:
        """Show them at their lines."""
        self.voice.mistakes(found, texts)

    def stays(self, since: datetime | None) -> None:
        """Say what is served meanwhile."""
        if since:
            self.voice.warn(f"still serving the version of {_clock(since)}")
        else:
            self.voice.warn("nothing is served yet: mend this and save")

    def unchanged(self) -> None:
        """Say that a save was seen."""
        self.voice.say(f"{_clock(datetime.now().astimezone())} nothing changes for Envoy")

    def warn(self, *lines: str) -> None:
        """Say it."""
        self.voice.warn(*lines)

    def _new(self, ports: tuple[Port, ...]) -> tuple[Port, ...]:
        held = {(p.host, p.port) for p in self._open}
        return tuple(p for p in ports if (p.host, p.port) not in held)

    async def _wallet(self, plan: Plan) -> Wallet:
        issuer = next(iter(self._issuers), None)
        token = await token_of(issuer, plan) if issuer else ""
        return Wallet(plan=plan, issuer=issuer, token=token)

    async def _greet(self, live: Live, ports: tuple[Port, ...]) -> None:
        """Say where the gateway is and what to try."""
        base = ports[0].url if ports else ""
        served = frozenset(one.name for one in self._backends)
        lines: tuple[str, ...] = ()
        if live.build.plan:
            wallet = await self._wallet(live.build.plan)
            lines = (*wallet.lines(), *curl_lines(live.build.plan, base, served, wallet))
        self.voice.say(
            f"{base} is live, after {live.took:.1f} s", "", *(f"  {line}" for line in lines), ""
        )
        demo = [f"{b.name} (port {b.port})" for b in self._backends if b.name not in self._others]
        if demo:
            self.voice.say("the demo upstream answers for " + ", ".join(demo))
        admin = envoy.admin_address(self.folder)
        self.voice.say(f"Envoy's admin page is http://{admin}; Ctrl-C ends all")


def _clock(when: datetime) -> str:
    return when.strftime("%H:%M:%S")
