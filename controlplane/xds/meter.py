"""What the server counts."""


class Meter:
    """Counts nothing; who exports metrics says more."""

    def pushed(self, role: str, type_url: str, size: int) -> None:
        """Count a reply of so many bytes that was written."""

    def acked(self, role: str, type_url: str) -> None:
        """Count an ACK."""

    def nacked(self, role: str, type_url: str) -> None:
        """Count a NACK."""

    def refused(self, reason: str) -> None:
        """Count a stream that was ended: `reason` is a gRPC status in lower case."""

    def unknown(self, role: str) -> None:
        """Count a request for a type that the role is not served."""
