"""The settings of `dns`."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from language.scalars import words
from policies.contract import BackendFacts, BackendKey, Fault, Settings


def _unfit(settings: str, facts: BackendFacts, _others: Mapping[str, Settings]) -> Iterable[Fault]:
    if not facts.by_name:
        message = "'dns' has no effect: no name is looked up"
        yield Fault(path=(), message=message, hint="leave it out", idle=True, at_key=True)
    elif settings == "logical" and facts.first + facts.failover > 1:
        message = "'logical' takes one name, and here are several"
        yield Fault(path=(), message=message, hint="write strict, or one name as url")


KEYS = (
    BackendKey(
        name="dns",
        settings=Annotated[Literal["strict", "logical"], *words("a lookup", "strict", "logical")],
        summary="Each address of a name is an endpoint (strict, unless written), or all are one.",
        example="dns: logical",
        in_envoy="each Envoy looks names up",
        unfit=_unfit,
    ),
)
