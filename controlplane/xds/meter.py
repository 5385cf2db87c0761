"""What the server counts."""

from typing import Literal

Refusal = Literal["malformed", "not_ready", "busy", "slow"]
"""Why a stream was ended by us: what the client said was wrong, there is nothing to serve yet,
too many came at once, it did not say in time who it is."""


class Meter:
    """Counts nothing; who exports metrics says more."""

    def pushed(self, role: str, type_url: str, size: int) -> None:
        """Count a reply of so many bytes that was written."""

    def acked(self, role: str, type_url: str) -> None:
        """Count an ACK."""

    def nacked(self, role: str, type_url: str) -> None:
        """Count a NACK."""

    def refused(self, reason: Refusal) -> None:
        """Count a stream that was ended by us."""

    def unknown(self, role: str) -> None:
        """Count a request for a type that the role is not served."""
