"""Headers that are the gateway's to say: what a client sends under these names never counts."""

from collections.abc import Iterable, Iterator

from policies.faults import ClientHeader, Fault

STRIPPED_PREFIXES = ("x-foregate-", "x-envoy-")
"""Headers that only the gateway writes, or that would command Envoy: never a client's to send."""

STRIPPED_AT_THE_EDGE = (
    "forwarded",
    "true-client-ip",
    "x-client-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
)
"""Claims about the client and its request that only a trusted proxy before the gateway may make."""

WRITTEN_AT_THE_EDGE = (*STRIPPED_AT_THE_EDGE, "x-forwarded-proto")
"""The same, with what the gateway writes anew there."""

WRITTEN_ALWAYS = (
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "x-forwarded-client-cert",
    "x-request-id",
)
"""Headers of one connection, what Envoy says of its certificate, and the id of each request."""


FRAMING = frozenset(
    {
        "connection",
        "content-length",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers of one message or one connection (RFC 9110 7.6.1, RFC 9113 8.2.2): never a file's."""


def never_arrives(name: str) -> bool:
    """Whether no route can see what a client sends under this name."""
    return name.startswith(STRIPPED_PREFIXES) or name in WRITTEN_ALWAYS


def removed(name: str) -> str:
    """What is told of a client's header that never arrives."""
    return f"a client's '{name}' never arrives: the gateway removes or writes it"


def unheard(headers: Iterable[ClientHeader]) -> Iterator[Fault]:
    """What is wrong with settings that go by a header of a client which no route can see."""
    for one in headers:
        if one.name == "host":
            message = "the host is no header here, and the same for a whole site"
            yield Fault(path=one.path, message=message, hint="name another header")
        elif never_arrives(one.name):
            yield Fault(path=one.path, message=removed(one.name), hint="name another header")


def untrusted(headers: Iterable[ClientHeader]) -> Iterator[Fault]:
    """What is wrong with such settings where no proxy before the gateway is trusted."""
    for one in headers:
        if one.name in WRITTEN_AT_THE_EDGE:
            yield Fault(
                path=one.path,
                message=f"a client's '{one.name}' never arrives: no proxy before this is trusted",
                hint="set listen.trustedHops, or name another header",
                idle=True,
            )
