"""The settings of `auth`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, WithJsonSchema

from language.scalars import fault
from policies.contract import EVERY_ACTION, RouteKey


def _none(value: object) -> object:
    if value != "none":
        raise fault("this version knows no identities", "write auth: none")
    return "none"


NoAuth = Annotated[Literal["none"], BeforeValidator(_none), WithJsonSchema({"const": "none"})]

KEYS = (
    RouteKey(
        name="auth",
        settings=NoAuth,
        summary="Who may pass: `none` lets everybody. A route without it from anywhere is refused.",
        example="auth: none",
        actions=EVERY_ACTION,
        atom=True,
        required=True,
    ),
)
