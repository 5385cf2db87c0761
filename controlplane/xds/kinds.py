"""What the protocol says of all names, and of some types."""

from controlplane.snapshot import CLUSTER, EXTENSION, LISTENER, SCOPE

WILDCARD = "*"

WHOLE = frozenset({CLUSTER, LISTENER, SCOPE})
"""Types whose SotW reply is the full set: what is missing from it is deleted.

"Grouping resources into responses" says so of CDS and LDS; Envoy reads SRDS the same way.
"""

KEPT = frozenset({EXTENSION})
"""Types that are never taken from a delta client: a live listener may still use them, and
answers 500 without. The client unsubscribes by itself when its last user is gone."""
