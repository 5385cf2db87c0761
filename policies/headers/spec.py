"""The settings of `request` and `response`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.fields import HeaderName, Headers
from language.scalars import UNIQUE
from policies.contract import EVERY_ACTION, Fault, RouteFacts, RouteKey
from policies.edge import FRAMING


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderOperations:
    """Headers to set (in place of what is there), to add (beside it) and to remove."""

    set: Annotated[Headers, Field(description="Headers to set, in place of those there are.")] = (
        field(default_factory=dict)
    )
    add: Annotated[Headers, Field(description="Headers to add, beside those there are.")] = field(
        default_factory=dict
    )
    remove: Annotated[tuple[HeaderName, ...], UNIQUE, Field(description="Headers to remove.")] = ()


def _faults(settings: HeaderOperations, _facts: RouteFacts) -> Iterable[Fault]:
    named: list[tuple[str, str, str | int]] = [("set", n, n) for n in settings.set]
    named += [("add", n, n) for n in settings.add]
    removed = [("remove", n, i) for i, n in enumerate(settings.remove)]
    for operation, name, step in [*named, *removed]:
        refused = _refused(name)
        if refused is not None:
            message, hint = refused
            yield Fault(path=(operation, step), message=message, hint=hint, at_key=True)
    for operation, name, step in removed:
        if name in settings.set or name in settings.add:
            yield Fault(
                path=(operation, step),
                message=f"'{name}' is both removed and written",
                hint="set replaces what is there: leave it out of remove, or write remove: none",
                beside=("set" if name in settings.set else "add", name),
                at_key=True,
            )
    for name in settings.add:
        if name in settings.set:
            yield Fault(
                path=("add", name),
                message=f"'{name}' is both set and added",
                hint="keep one",
                beside=("set", name),
                at_key=True,
            )


def _refused(name: str) -> tuple[str, str] | None:
    if name in FRAMING:
        return f"'{name}' frames the message: it is the gateway's", "leave it out"
    if name == "host":
        return "the host is no header here", "use rewrite.host"
    if name.startswith(("x-foregate-", "x-envoy-")):
        return f"'{name}' is the gateway's to set", "leave it out"
    return None


KEYS = (
    RouteKey(
        name="request",
        settings=HeaderOperations,
        summary="Set, add and remove headers of the request before the backend sees it.",
        example="request: {set: {x-gateway: edge}, remove: [x-internal]}",
        in_envoy="a native filter does it for a fraction of a call",
        faults=_faults,
    ),
    RouteKey(
        name="response",
        settings=HeaderOperations,
        summary="Set, add and remove headers of the answer before the client sees it.",
        example="response: {remove: [server]}",
        actions=EVERY_ACTION,
        in_envoy="a native filter does it for a fraction of a call",
        faults=_faults,
    ),
)
