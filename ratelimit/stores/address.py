"""Where Redis is: `redis://`, `rediss://` (TLS) and `unix://` URLs, as redis-py reads them."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

PORT = 6379


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One Redis. `path` is a Unix socket, else host and port; `authorities` a file of TLS roots.

    The password is in no representation.
    """

    host: str = "localhost"
    port: int = PORT
    path: str | None = None
    tls: bool = False
    authorities: str | None = None
    database: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """What may be logged."""
        return self.path or f"{self.host}:{self.port}"


class AddressError(Exception):
    """A URL that is none of Redis. It may hold a password, so it is not repeated."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the Redis URL {why}")
        self.why = why


def address(url: str) -> Address:
    """Read a URL. Raises AddressError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressError("is no URL") from None
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise AddressError("starts with none of redis://, rediss:// and unix://")
    asked = parse_qs(parts.query)
    unknown = asked.keys() - {"db", "ssl_ca_certs"}
    if unknown or parts.fragment:
        raise AddressError("has parameters that are not known (there are db and ssl_ca_certs)")
    local = parts.scheme == "unix"
    if local and not parts.path:
        raise AddressError("names no socket")
    database = asked["db"][0] if "db" in asked else "" if local else parts.path.strip("/")
    if database and not (database.isascii() and database.isdigit()):
        raise AddressError("has a database that is no number")
    return Address(
        host=parts.hostname or "localhost",
        port=port or PORT,
        path=unquote(parts.path) if local else None,
        tls=parts.scheme == "rediss",
        authorities=asked["ssl_ca_certs"][0] if "ssl_ca_certs" in asked else None,
        database=int(database or 0),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
