"""Where one listens and connects to: `unix:/PATH` or `HOST:PORT`."""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

UNIX = "unix:"
LOOPBACK = "127.0.0.1"

PATH_LENGTH = 107
"""Bytes of a Unix socket's path (sun_path of Linux, without its end)."""


class AddressError(ValueError):
    """A text that is no address; `message` says what is wrong with it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A Unix socket (`path`), or a host and port; IPv6 hosts stand in brackets."""

    path: Path | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"{UNIX}{self.path}" if self.path is not None else f"{self.host}:{self.port}"

    @property
    def here(self) -> bool:
        """Whether nobody but this machine reaches it: a Unix socket, or loopback."""
        if self.path is not None:
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


def address(text: str) -> Address:
    """Read an address; without a host it is on loopback. Raises AddressError."""
    if text.startswith(UNIX):
        path = Path(text.removeprefix(UNIX))
        if not path.is_absolute():
            raise AddressError(f"'{text}': the path of a socket must begin with '/'")
        if len(str(path).encode()) > PATH_LENGTH:
            raise AddressError(f"'{text}': a socket's path has {PATH_LENGTH} bytes at most")
        return Address(path=path)
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 0xFFFF:
        raise AddressError(f"'{text}' is neither unix:/PATH nor HOST:PORT")
    bracketed = host.startswith("[") and host.endswith("]")
    if (":" in host and not bracketed) or any(c in host for c in " /,@"):
        raise AddressError(f"'{text}' is neither unix:/PATH nor HOST:PORT")
    return Address(host=LOOPBACK if host in ("", "localhost") else host, port=int(port))


def not_here(text: str) -> str:
    """Say why an address that is not on this machine is refused."""
    return (
        f"{text} is not on this machine alone, and nothing between the parts is encrypted yet: "
        "write unix:/PATH, or 127.0.0.1:PORT"
    )
