"""A request as a client sends it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`target` is the path with its query, raw; `headers` are in order, repeated ones too.

    `host` is what the Host header holds, which is not among the headers.
    """

    method: str
    host: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
