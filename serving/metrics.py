"""What a serving process counts about itself; what it decides, the service counts."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector


class Metrics:
    """The metrics of one process, in a registry of their own.

    Durations are seconds, times are seconds since the epoch. Types are short: `Pipeline`.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.connected = Gauge(
            "foregate_xds_connected",
            "1 while the stream to the control plane is open.",
            registry=self.registry,
        )
        self.ready = Gauge("foregate_ready", "1 while health is SERVING.", registry=self.registry)
        self.refused = Counter(
            "foregate_calls_refused",
            "Calls that no handler saw, or that ended without its answer.",
            ["reason"],
            registry=self.registry,
        )
        self.saved = Gauge(
            "foregate_last_good_timestamp_seconds",
            "When the last good was written.",
            registry=self.registry,
        )
        self._updates = Counter(
            "foregate_policy_updates",
            "Updates of the policy by type and outcome.",
            ["type", "outcome"],
            registry=self.registry,
        )
        self._updated = Gauge(
            "foregate_policy_last_update_timestamp_seconds",
            "When the policy was last changed.",
            registry=self.registry,
        )

    def updated(self, type_url: str, *, accepted: bool) -> None:
        """Count an update."""
        outcome = "accepted" if accepted else "rejected"
        self._updates.labels(type_url.rpartition(".")[2], outcome).inc()
        if accepted:
            self._updated.set(time.time())
