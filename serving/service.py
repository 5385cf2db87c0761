"""The seam between a service and the process that serves it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from prometheus_client import CollectorRegistry


class RejectedError(Exception):
    """An update that the service refuses whole: it is answered by a NACK with these words.

    The words go to the control plane's log and to the user: no secret may be in them.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What came of one type: bodies by name, and the names that are gone (or do not exist)."""

    type_url: str
    changed: Mapping[str, bytes] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()


class Intake(Protocol):
    """The policy of a service, as it takes it in. Called on the event loop, never concurrently."""

    def take(self, update: Update) -> None:
        """Take an update in, whole or not at all. Raises RejectedError, and is as before."""

    @property
    def ready(self) -> bool:
        """Whether all that decisions need has come at least once: only then it is SERVING."""


class Feed(Protocol):
    """What a service may ask of its subscription while it decides."""

    async def fetch(self, type_url: str, name: str, within: float) -> bool:
        """Get a resource that was not sent by itself, in at most `within` seconds.

        True: the intake has it now. Single flight for each name; a name that does not exist is
        remembered for a second. Without a control plane (file mode) always False.
        """

    def ask(self, type_url: str, name: str) -> None:
        """Tell the control plane that this name is wanted again; nothing is waited for."""

    @property
    def alone(self) -> bool:
        """Whether there is no control plane by intent: the policy comes from a plain file."""


Handler: TypeAlias = Callable[[bytes, float], Awaitable[bytes]]
"""A unary method: request bytes and the seconds that the caller still waits; reply bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, ready to be served.

    `name` is EXTAUTHZ or RATELIMIT of `protos`. `types` are subscribed to whole (wildcard), in
    this order. `methods` are by full name, `package.Service/Method`. `work` runs as long as the
    service does (timers, Redis connections) and is cancelled at the end.
    """

    name: str
    types: tuple[str, ...]
    intake: Intake
    methods: Mapping[str, Handler]
    registry: CollectorRegistry
    work: Callable[[], Awaitable[None]] | None = None


Maker: TypeAlias = Callable[[Feed], Service]
"""How a service is made: it is given its feed."""
