"""The fleet as it is seen: who is connected, and what each has been sent, has taken and refused."""

from dataclasses import dataclass
from typing import Literal

from language.places import Place

NodeState = Literal["waiting", "live", "rejected", "late", "gone"]
"""`waiting`: answers are awaited. `live`: it has all of the newest version. `rejected`: it refused
a part. `late`: it has not answered for longer than it should. `gone`: it is not connected."""

Phase = Literal["held", "add", "move", "drain", "done"]
"""Which step of the newest version a node is in; `held`: it is kept from it, see `xds.pilots`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeView:
    """One type of one node. Versions are as on the wire, empty for none; times are Unix seconds.

    `message` is the node's own word of its last refusal, at `places` in the files, both empty
    once it took a version of the type that it had not before: not when it has the last good again.
    """

    type_url: str
    sent: str = ""
    sent_at: float = 0.0
    acked: str = ""
    acked_at: float = 0.0
    nacked: str = ""
    nacked_at: float = 0.0
    message: str = ""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """One stream of a node.

    `role` is `envoy` or the service's name, `group` its node.cluster, `software` what it says that
    it is (`envoy/1.40.0`), `since` when it connected (Unix seconds), `version` the one that it
    shall have, `waiting` how many pushes have no answer, `queued_bytes` what was laid out for it
    and not written yet.
    """

    node: str
    role: str
    group: str
    software: str
    delta: bool
    since: float
    version: str
    state: NodeState
    phase: Phase
    waiting: int = 0
    queued_bytes: int = 0
    types: tuple[TypeView, ...] = ()
