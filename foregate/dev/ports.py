"""Whether the ports that a snapshot wants to open are free."""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from envoy.config.listener.v3.listener_pb2 import Listener

from controlplane.gate.verdicts import Provenance, lines_of
from controlplane.snapshot import LISTENER, Snapshot, Subject
from language.mistakes import Mistake
from language.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An address that a listener opens."""

    listener: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where a client on this machine finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"http://{host}:{self.port}"


def ports_of(snapshot: Snapshot) -> tuple[Port, ...]:
    """Give the addresses that a snapshot's listeners open."""
    found = []
    for resource in snapshot.of(LISTENER).values():
        listener = Listener.FromString(resource.body)
        if listener.address.HasField("socket_address"):
            address = listener.address.socket_address
            found.append(
                Port(listener=listener.name, host=address.address, port=address.port_value)
            )
    return tuple(found)


def refusals(ports: Iterable[Port], provenance: Provenance, origin: Place) -> tuple[Mistake, ...]:
    """Say for each port that cannot be opened why not, at the line that asks for it."""
    found = []
    for port in ports:
        trouble = why_not(port.host, port.port)
        if trouble:
            message, hint = trouble
            places = lines_of(Subject(LISTENER, port.listener), provenance) or (origin,)
            found.append(Mistake(place=places[0], message=message, hint=hint))
    return tuple(found)


def why_not(host: str, port: int) -> tuple[str, str] | None:
    """Try to listen, and give what stands against it with a hint, or None.

    Envoy shares a port silently with another Envoy (SO_REUSEPORT): half of the requests would be
    answered by the other. A plain socket does not share. SO_REUSEADDR only forgives the remains of
    closed connections, never a listener.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
            trial.listen(1)
    except OSError as error:
        where = f"port {port} on {host}"
        if error.errno == errno.EADDRINUSE:
            return (
                f"{where} is in use, perhaps by another `foregate dev`",
                "end what listens there, or change the port in `listen.http`",
            )
        if error.errno == errno.EACCES:
            return f"{where} may not be opened by this user", "use a port above 1023"
        return f"{where} cannot be opened: {error.strerror}", "change `listen.http`"
    return None
