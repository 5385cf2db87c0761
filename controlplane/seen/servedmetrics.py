"""What is served, for Prometheus: which content of each file, and what stayed behind."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from controlplane.isolation.isolated import KeptState
from controlplane.seen.served import Served
from controlplane.selection.chosen import FileState

FILES = 1_000
"""So many files have a series of their own; those that are not current come first."""


class ServedMetrics(Collector):
    """Collects what is `served` at each scrape."""

    def __init__(self, served: Callable[[], Served]) -> None:
        self._served = served

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges."""
        served = self._served()
        files = Counter(one.state for one in served.files)
        of_state = _gauge("foregate_files", "Files by which content of them is served.", "state")
        for state in get_args(FileState):
            of_state.add_metric((_word(state),), files[state])
        each = _gauge(
            "foregate_file_current", "1 where a file is served as it is on disk, 0 if not.", "file"
        )
        for one in sorted(served.files, key=lambda f: (f.state == "current", f.home))[:FILES]:
            each.add_metric((one.home,), one.state == "current")
        kept = Counter(one.state for one in served.kept)
        parts = _gauge("foregate_kept_parts", "Parts that Envoy refuses, by state.", "state")
        for state in get_args(KeptState):
            parts.add_metric((_word(state),), kept[state])
        number = _gauge("foregate_version", "The number of the served version in the history.")
        if served.number is not None:
            number.add_metric((), served.number)
        pinned = _gauge("foregate_rollback", "1 while an older version is served on purpose.")
        pinned.add_metric((), served.pinned is not None)
        yield from (of_state, each, parts, number, pinned)


def _gauge(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=labels)


def _word(state: str) -> str:
    return state.replace(" ", "_")
