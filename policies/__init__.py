"""One folder per policy: settings (`spec`), settings to Envoy (`envoy`), the user's page, cases.

What a user writes under a policy's keys enters; parts of Envoy resources leave. To add a policy,
add its folder and its name below. A station loads the half that it needs by name.
"""

POLICIES = (
    "ip",
    "cors",
    "auth",
    "limits",
    "redirect",
    "respond",
    "rewrite",
    "headers",
    "upgrades",
    "stream",
    "timeout",
    "sticky",
    "mirror",
    "retry",
    "health",
    "outlier_detection",
    "caps",
    "balance",
    "slow_start",
    "dns",
    "tls",
)
"""Which policies there are, in the order in which they act on a route or a backend."""

SLOTS = ("ip", "cors", "limits_before", "auth", "limits_after", "headers")
"""The HTTP filters of policies in the order in which a request meets them, before the router."""

PREFLIGHTS = ("ip", "cors")
"""The keys of a route that act on a preflight which asks about it; none of the others do."""

GUARDS = ("ip", "cors", "auth", "limits", "respond", "headers", "upgrades", "tls")
"""Who may ask, what backends see of it, and who they must be: each has a `weaker`."""

ENFORCED = ("ip", "cors", "auth", "limits", "respond", "headers", "upgrades")
"""The guards that act on routes: each has an `enforced` too, by which the gate looks for them."""

NO_GUARDS = (
    *("redirect", "rewrite", "stream", "timeout", "sticky", "mirror", "retry"),
    *("health", "outlier_detection", "caps", "balance", "slow_start", "dns"),
)
"""The others: what they let pass is seen from the whole route, or they let nobody in."""
