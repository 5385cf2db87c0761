"""The settings of `whenDown`: what holds while something that decisions need does not answer."""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.durations import Milliseconds
from language.scalars import words


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class CachedKeys:
    """How long an issuer's keys are used that can no longer be fetched."""

    use_cached_for: Annotated[
        Milliseconds, Field(description="How long keys are used after they were fetched; 1h.")
    ] = 3_600_000


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class WhenDown:
    """What holds while something that decisions need does not answer."""

    redis: Annotated[
        str,
        *words("what holds while Redis is down", "local-limits", "allow", "deny"),
        Field(description="Without Redis: each instance its share, allow or deny; local-limits."),
    ] = "local-limits"
    limits: Annotated[
        str,
        *words("what holds while limits are not counted", "allow", "deny"),
        Field(description="Without the service that counts: allow or deny; deny."),
    ] = "deny"
    jwks: Annotated[CachedKeys, Field(description="When an issuer's keys cannot be fetched.")] = (
        field(default_factory=CachedKeys)
    )
