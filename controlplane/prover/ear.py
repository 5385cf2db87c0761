"""What the proving Envoy says against what it is offered."""

import asyncio

from controlplane.prover.copies import Resources
from controlplane.xds.events import Nacked
from controlplane.xds.news import Heard


class Ear:
    """The refusals since a question was asked; `refused` is set when there is one."""

    def __init__(self) -> None:
        self.nacks: tuple[Nacked, ...] = ()
        self.refused = asyncio.Event()

    def begin(self) -> None:
        """Forget what was said before."""
        self.nacks = ()
        self.refused.clear()

    def hear(self, event: Heard) -> None:
        """Take in what a stream says."""
        if isinstance(event, Nacked):
            self.nacks = (*self.nacks, event)
            self.refused.set()

    def against(self, offered: Resources, types: tuple[str, ...]) -> tuple[Nacked, ...]:
        """Give what was said against what is offered now, of some types."""

        def offers(nack: Nacked) -> bool:
            there = offered.get(nack.type_url, {})
            return all(n in there and there[n].version == version for n, version in nack.content)

        return tuple(nack for nack in self.nacks if nack.type_url in types and offers(nack))
