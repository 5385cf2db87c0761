"""The settings of `balance`."""

from typing import Annotated, Literal

from language.scalars import words
from policies.contract import BackendKey

Balance = Annotated[
    Literal["roundRobin", "leastRequest"],
    *words("a way to balance", "roundRobin", "leastRequest"),
]

KEYS = (
    BackendKey(
        name="balance",
        settings=Balance,
        summary="Which endpoint is next: roundRobin (unless written) or leastRequest.",
        example="balance: leastRequest",
        in_envoy="each Envoy picks the endpoint of each request",
    ),
)
