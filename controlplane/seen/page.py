"""The fleet as a page of JSON: written by the control plane, read by `foregate fleet`.

What nodes say of themselves is shown, never sent to a terminal: each text is one line of bounded
length, what is not printable in it appears as an escape, and no password of a URL and no key.
"""

from collections.abc import Sequence
from typing import Annotated, NotRequired, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from controlplane.seen.fleet import NodeState, NodeView, Phase, TypeView
from controlplane.seen.served import Served
from controlplane.seen.servedpage import ServedRecord, served_json
from controlplane.snapshot import CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES, SCOPE, SECRET
from language.report import visible, without_password

STATES: tuple[NodeState, ...] = get_args(NodeState)

SHORT = {
    CLUSTER: "CDS",
    ENDPOINTS: "EDS",
    SECRET: "SDS",
    LISTENER: "LDS",
    EXTENSION: "ECDS",
    SCOPE: "SRDS",
    ROUTES: "RDS",
}
"""The types of Envoy as the field calls them."""

NAME = 256
"""Characters of what a node calls itself."""

MESSAGE = 400
"""Characters of a refusal; more of it is in the log."""

_READ = 1024  # what of a message is looked through for secrets: that takes the square of it

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@with_config(ConfigDict(strict=True))
class TypeRecord(TypedDict):
    """One type of a node: versions (empty for none), seconds since each, null for never.

    `message` is what the node refuses now, `places` (`file:line:column`) where that comes from.
    """

    sent: str
    acked: str
    nacked: str
    sentAgo: Seconds | None
    ackedAgo: Seconds | None
    nackedAgo: Seconds | None
    message: str
    places: list[str]


@with_config(ConfigDict(strict=True))
class NodeRecord(TypedDict):
    """One stream of a node; `connectedFor` is in seconds, `types` by short name."""

    node: str
    role: str
    group: str
    software: str
    delta: bool
    connectedFor: Seconds
    version: str
    state: NodeState
    phase: Phase
    waiting: int
    queuedBytes: int
    types: dict[str, TypeRecord]


@with_config(ConfigDict(strict=True))
class FleetRecord(TypedDict):
    """The page; these keys are a promise to scripts. `summary` counts nodes by each state."""

    nodes: list[NodeRecord]
    summary: dict[NodeState, int]
    served: NotRequired[ServedRecord]


class FleetPageError(ValueError):
    """A text that is no page of a fleet; `message` says why and can be shown."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def as_json(nodes: Sequence[NodeView], now: float, served: Served | None = None) -> FleetRecord:
    """Give the page as what `json.dumps` takes, by role, group and name; `now`: Unix seconds."""
    ordered = sorted(nodes, key=lambda n: (n.role, n.group, n.node, n.since))
    states = [n.state for n in nodes]
    page = FleetRecord(
        nodes=[_node(n, now) for n in ordered],
        summary={state: states.count(state) for state in STATES},
    )
    if served is not None:
        page["served"] = served_json(served, now)
    return page


def read(data: bytes) -> FleetRecord:
    """Read a page. Keys that another version added are let be. Raises FleetPageError."""
    try:
        return _PAGE.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FleetPageError(_text(f"{where}: {first['msg']}" if where else first["msg"])) from None


def short_type(type_url: str) -> str:
    """Give the short name of a type: the field's for Envoy's, the message's for our own."""
    return SHORT.get(type_url) or type_url.rpartition(".")[2]


def refuses(one: TypeRecord) -> bool:
    """Whether the node's last word on a type is a refusal; it may have given no message."""
    nacked, acked = one["nackedAgo"], one["ackedAgo"]
    later = nacked is not None and (acked is None or nacked < acked)
    return bool(one["message"] or one["places"] or later)


def _node(node: NodeView, now: float) -> NodeRecord:
    return NodeRecord(
        node=_text(node.node),
        role=_text(node.role),
        group=_text(node.group),
        software=_text(node.software),
        delta=node.delta,
        connectedFor=_ago(node.since, now) or 0.0,
        version=_text(node.version),
        state=node.state,
        phase=node.phase,
        waiting=node.waiting,
        queuedBytes=node.queued_bytes,
        types={_text(short_type(t.type_url)): _type(t, now) for t in node.types},
    )


def _type(one: TypeView, now: float) -> TypeRecord:
    return TypeRecord(
        sent=_text(one.sent),
        acked=_text(one.acked),
        nacked=_text(one.nacked),
        sentAgo=_ago(one.sent_at, now),
        ackedAgo=_ago(one.acked_at, now),
        nackedAgo=_ago(one.nacked_at, now),
        message=_text(one.message, MESSAGE),
        places=[visible(str(place)) for place in one.places],
    )


def _ago(then: float, now: float) -> float | None:
    """Seconds since; a clock that was set back gives none, not less."""
    return round(max(0.0, now - then), 3) if then else None


def _text(text: str, longest: int = NAME) -> str:
    line = " ".join(without_password(text[:_READ]).split())
    return visible(line if len(line) <= longest else line[:longest] + "…")


_PAGE = TypeAdapter(FleetRecord)
