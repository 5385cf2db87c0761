"""What the control plane counts of its fleet, for Prometheus. Every label's values are few."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from controlplane.seen.fleet import NodeView
from controlplane.seen.page import STATES, short_type
from controlplane.snapshot import ORDER
from controlplane.xds.meter import Meter, Refusal
from controlplane.xds.world import ENVOY
from protos import SERVICE_TYPES

OTHER = "other"
"""The label of what is not known beforehand: strangers must not make series."""

TYPES = {ENVOY: ORDER, **SERVICE_TYPES}

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds. A save that changes one route shall be live within the first ones."""

Nodes: TypeAlias = Callable[[], Sequence[NodeView]]


class FleetMetrics(Meter):
    """The metrics of the xDS server in a registry; `fleet` is asked at each scrape."""

    def __init__(self, registry: CollectorRegistry, fleet: Nodes) -> None:
        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"foregate_xds_{name}", words, labels, registry=registry)

        self._pushes = counter("pushes", "Replies sent to nodes.", "role", "type")
        self._bytes = counter("push_bytes", "Bytes of the replies sent.", "role", "type")
        self._acks = counter("acks", "Replies that a node took.", "role", "type")
        self._nacks = counter("nacks", "Replies that a node refused.", "role", "type")
        self._refused = counter("streams_refused", "Streams ended by the server.", "reason")
        self._unknown = counter("unknown_types", "Requests for a type not served.", "role")
        self._took = Histogram(
            "foregate_save_to_last_ack_seconds",
            "From reading a save until the last node has all of it.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._now = _Now(fleet)
        registry.register(self._now)
        # A series that is there from the start shows its first increase, and an alert sees it.
        for role, types in TYPES.items():
            self._unknown.labels(role)
            for one in (self._pushes, self._bytes, self._acks, self._nacks):
                for type_url in types:
                    one.labels(role, short_type(type_url))
        for reason in get_args(Refusal):
            self._refused.labels(reason)

    def pushed(self, role: str, type_url: str, size: int) -> None:
        """Count a reply of `size` bytes that was written."""
        labels = _labels(role, type_url)
        self._pushes.labels(*labels).inc()
        self._bytes.labels(*labels).inc(size)

    def acked(self, role: str, type_url: str) -> None:
        """Count an ACK."""
        self._acks.labels(*_labels(role, type_url)).inc()

    def nacked(self, role: str, type_url: str) -> None:
        """Count a NACK."""
        self._nacks.labels(*_labels(role, type_url)).inc()

    def refused(self, reason: Refusal) -> None:
        """Count a stream that the server ended."""
        self._refused.labels(reason).inc()

    def unknown(self, role: str) -> None:
        """Count a request for a type that the role is not served."""
        self._unknown.labels(_role(role)).inc()

    def took(self, seconds: float) -> None:
        """Observe how long a save took until the last ACK."""
        self._took.observe(seconds)

    def published(self, version: str) -> None:
        """Say which version the fleet shall have."""
        self._now.version = version


class _Now(Collector):
    """What is so at the time of a scrape."""

    def __init__(self, fleet: Nodes) -> None:
        self.version = ""
        self._fleet = fleet

    def collect(self) -> Iterator[GaugeMetricFamily]:
        fleet = self._fleet()
        nodes = Tally((_role(n.role), n.state) for n in fleet)
        waiting: Tally[str] = Tally()
        queued: Tally[str] = Tally()
        for node in fleet:
            waiting[_role(node.role)] += node.waiting
            queued[_role(node.role)] += node.queued_bytes
        roles = [*TYPES, *sorted({r for r, _ in nodes} - TYPES.keys())]
        states = _gauge(
            "foregate_xds_nodes", "Streams by the state of their node.", "role", "state"
        )
        pushes = _gauge("foregate_xds_waiting_pushes", "Replies without an answer yet.", "role")
        size = _gauge("foregate_xds_queued_bytes", "Bytes laid out and not written yet.", "role")
        for role in roles:
            for state in STATES:
                states.add_metric((role, state), nodes[role, state])
            pushes.add_metric((role,), waiting[role])
            size.add_metric((role,), queued[role])
        info = _gauge("foregate_published_info", "1 for the version being served.", "version")
        if self.version:
            info.add_metric((self.version,), 1)
        yield from (states, pushes, size, info)


def _gauge(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=labels)


def _labels(role: str, type_url: str) -> tuple[str, str]:
    known = any(type_url in types for types in TYPES.values())
    return _role(role), short_type(type_url) if known else OTHER


def _role(role: str) -> str:
    return role if role in TYPES else OTHER
