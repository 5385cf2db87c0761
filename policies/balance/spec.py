"""The settings of `balance`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, WithJsonSchema

from language.scalars import fault
from language.suggest import nearest
from policies.contract import BackendKey

_KINDS = ("roundRobin", "leastRequest")


def _kind(value: object) -> object:
    if value not in _KINDS:
        near = nearest(str(value), _KINDS)
        hint = f"did you mean {near}?" if near else f"write {' or '.join(_KINDS)}"
        raise fault(f"'{value}' is not a way to balance", hint)
    return value


Balance = Annotated[
    Literal["roundRobin", "leastRequest"],
    BeforeValidator(_kind),
    WithJsonSchema({"enum": list(_KINDS)}),
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
