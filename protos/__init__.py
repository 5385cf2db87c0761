"""Our own messages: what the control plane sends to extauthz and ratelimit, generated code beside.

The names below are the type URLs under which they travel on the xDS stream, and the names of the
resources of which there is one.
"""

PIPELINE = "type.googleapis.com/foregate.auth.v1.Pipeline"
CONSUMERS = "type.googleapis.com/foregate.auth.v1.ConsumerSet"
KEYS = "type.googleapis.com/foregate.auth.v1.KeySet"
KEY_REQUEST = "type.googleapis.com/foregate.auth.v1.KeyRequest"
LIMITS = "type.googleapis.com/foregate.limits.v1.LimitSet"
FLEET = "type.googleapis.com/foregate.limits.v1.Fleet"

CONSUMERS_NAME = "consumers"
LIMITS_NAME = "limits"
FLEET_NAME = "fleet"

EXTAUTHZ = "extauthz"
RATELIMIT = "ratelimit"

SERVICE_TYPES: dict[str, tuple[str, ...]] = {
    EXTAUTHZ: (CONSUMERS, KEYS, PIPELINE, KEY_REQUEST),
    RATELIMIT: (FLEET, LIMITS),
}
"""What each service is served, in the order in which it is sent, and nobody else."""
