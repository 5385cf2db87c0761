"""Cookies that the gateway sets (RFC 6265)."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from language.durations import duration
from language.scalars import fault

_SECOND = 1_000


def _whole(milliseconds: int) -> int:
    if milliseconds % _SECOND:
        raise fault("a cookie's time is counted in seconds", "write whole seconds")
    return milliseconds


Lifetime: TypeAlias = Annotated[int, *duration("1s", "365d"), AfterValidator(_whole)]
"""How long a cookie is kept, in milliseconds: `Max-Age` counts whole seconds."""
