"""What extauthz counts. Labels hold rule ids and fixed words, nothing of a request."""

from enum import Enum

from prometheus_client import CollectorRegistry, Counter, Histogram

from decision.verdict import Verdict

RULES = 10_000
"""How many rules are counted by name; those that come after share one."""
OTHER = "other"

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)
"""Buckets around what a check takes (0.1 to 1 ms) and what Envoy waits (100 ms)."""


class Lookup(Enum):
    """Where a pipeline was found."""

    MEMORY = "memory"
    FETCHED = "fetched"
    UNKNOWN = "unknown"


class Metrics:
    """The counters of one service, on a registry of its own."""

    def __init__(self, rules: int = RULES) -> None:
        self.registry = CollectorRegistry()
        self._rules_size = rules
        self._rules: set[str] = set()
        self._decisions = Counter(
            "foregate_extauthz_decisions",
            "Checks by route rule, reason and verdict (allow, deny, fault).",
            ("rule", "reason", "verdict"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "foregate_extauthz_check_seconds",
            "How long a check took.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._lookups = Counter(
            "foregate_extauthz_pipelines",
            "Where the pipelines of checks were found: in memory, fetched, or unknown.",
            ("found",),
            registry=self.registry,
        )
        self._reports = Counter(
            "foregate_extauthz_key_reports",
            "Reports of keys that a token names and its issuer's set lacks.",
            ("source",),
            registry=self.registry,
        )

    def decided(self, rule: str, verdict: Verdict, seconds: float) -> None:
        """Count a decision. `rule` is the id of a known route, empty where none is known."""
        if len(self._rules) < self._rules_size:
            self._rules.add(rule)
        label = rule if rule in self._rules else OTHER
        self._decisions.labels(label, verdict.reason, outcome(verdict)).inc()
        self._seconds.observe(seconds)

    def looked_up(self, found: Lookup) -> None:
        """Count where a pipeline was found."""
        self._lookups.labels(found.value).inc()

    def reported(self, source: str) -> None:
        """Count a report of a source's missing key."""
        self._reports.labels(source).inc()


def outcome(verdict: Verdict) -> str:
    """Give the word for what a verdict does: allow, deny, or fault for a denial that is ours."""
    if verdict.principal is not None:
        return "allow"
    return "fault" if verdict.fault else "deny"
