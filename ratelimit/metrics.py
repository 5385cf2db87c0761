"""What the service tells Prometheus. No label holds a value that came from a caller."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from decision.counters import Limit
from ratelimit.stores.breaker import Phase

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.1)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)
PHASES = {Phase.CLOSED: 0.0, Phase.HALF_OPEN: 0.5, Phase.OPEN: 1.0}


class Metrics:
    """All of them, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.decisions = Counter(
            "foregate_ratelimit_decisions",
            "Decisions of one limit about one request.",
            ("limit", "name", "verdict"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "foregate_ratelimit_decision_seconds",
            "From a call to its answer.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.fallbacks = Counter(
            "foregate_ratelimit_without_redis",
            "Requests that were answered without Redis, by what whenDown says.",
            ("mode",),
            registry=self.registry,
        )
        self.errors = Counter(
            "foregate_ratelimit_errors",
            "Calls that could not be understood, by reason: our fault, answered by an error.",
            ("reason",),
            registry=self.registry,
        )
        self.overflows = Counter(
            "foregate_ratelimit_overflows",
            "Charges on a shared counter, because the table in this process was full.",
            registry=self.registry,
        )
        self.round_trips = Histogram(
            "foregate_ratelimit_redis_seconds",
            "Round trips to Redis that were answered in time.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.batches = Histogram(
            "foregate_ratelimit_redis_batch",
            "Requests that were decided by one round trip.",
            buckets=BATCHES,
            registry=self.registry,
        )
        self.failures = Counter(
            "foregate_ratelimit_redis_failures",
            "Round trips and connections that failed, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self.breaker = Gauge(
            "foregate_ratelimit_breaker",
            "Whether Redis is asked: 0 closed (it is), 0.5 a probe is under way, 1 open.",
            registry=self.registry,
        )
        self.breaker.set(PHASES[Phase.OPEN])
        self._children: dict[str, tuple[Limit, Counter, Counter]] = {}

    def decided(self, limit: Limit, *, admitted: bool) -> None:
        """One limit's own word about one request."""
        child = self._children.get(limit.id)
        if child is None:
            ok = self.decisions.labels(limit.id, limit.name, "ok")
            child = (limit, ok, self.decisions.labels(limit.id, limit.name, "over"))
            self._children[limit.id] = child
        _, ok, over = child
        (ok if admitted else over).inc()

    def keep(self, limits: Iterable[Limit]) -> None:
        """Forget limits that are no more or have another name, so that series do not pile up."""
        names = {limit.id: limit.name for limit in limits}
        for gone in [child[0] for child in self._children.values()]:
            if names.get(gone.id) == gone.name:
                continue
            del self._children[gone.id]
            for verdict in ("ok", "over"):
                self.decisions.remove(gone.id, gone.name, verdict)

    def phase(self, phase: Phase) -> None:
        """The breaker's."""
        self.breaker.set(PHASES[phase])
