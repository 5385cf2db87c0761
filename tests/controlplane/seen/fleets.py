"""A fleet in which something of everything is: two roles, all that a node can be at, a refusal."""

from controlplane.seen.fleet import NodeView, TypeView
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES
from language.places import Place
from protos import PIPELINE

NOW = 1_000_000.0

OLD, NEW = "0d2f6a1b44c8e9f0", "9c41b7e05a3d2f68"

REFUSAL = "Error adding/updating cluster(s) orders: malformed IP address: 10.0.0.300"


def held(type_url: str, ago: float) -> TypeView:
    """A type that was sent and taken."""
    return TypeView(
        type_url=type_url,
        sent=NEW,
        sent_at=NOW - ago - 1,
        acked=NEW,
        acked_at=NOW - ago,
    )


LIVE = NodeView(
    node="envoy-1",
    role="envoy",
    group="edge",
    software="envoy/1.40.0",
    delta=True,
    since=NOW - 7200,
    version=NEW,
    state="live",
    phase="done",
    types=(held(CLUSTER, 12.25), held(LISTENER, 11.5), held(ROUTES, 11.5)),
)

REJECTING = NodeView(
    node="envoy-2",
    role="envoy",
    group="edge",
    software="envoy/1.40.0",
    delta=True,
    since=NOW - 180,
    version=NEW,
    state="rejected",
    phase="add",
    waiting=1,
    queued_bytes=2048,
    types=(
        TypeView(
            type_url=CLUSTER,
            sent=NEW,
            sent_at=NOW - 12,
            acked=OLD,
            acked_at=NOW - 170,
            nacked=NEW,
            nacked_at=NOW - 11,
            message=REFUSAL,
            places=(Place("gateway.yaml", 7, 3), Place("gateway.yaml", 12, 5)),
        ),
    ),
)

SERVICE = NodeView(
    node="extauthz-1",
    role="extauthz",
    group="",
    software="0.1.0",
    delta=False,
    since=NOW - 90_000,
    version=NEW,
    state="live",
    phase="done",
    types=(held(PIPELINE, 13),),
)

FLEET = (SERVICE, REJECTING, LIVE)
