"""Unknown keys, reported to the control plane, which looks whether the issuer has new ones."""

from collections.abc import Callable, Iterable

from extauthz.metrics import Metrics
from protos import KEY_REQUEST
from serving.service import Feed

EVERY = 2.0
"""Seconds between two reports of one source: anybody can invent the name of a key."""


class KeyReports:
    """Reports each source at most once in `EVERY` seconds of `monotonic`.

    From a plain file (`feed.alone`) there is nobody to report to: keys change with the file.
    """

    def __init__(self, feed: Feed, metrics: Metrics, monotonic: Callable[[], float]) -> None:
        self._feed = feed
        self._metrics = metrics
        self._monotonic = monotonic
        self._last: dict[str, float] = {}  # as many as pipelines name sources, no client's values

    def report(self, sources: Iterable[str]) -> None:
        """Tell the control plane of sources that lack a key."""
        if self._feed.alone:
            return
        for source in sources:
            now = self._monotonic()
            if now - self._last.get(source, now - EVERY) < EVERY:
                continue
            self._last[source] = now
            self._feed.ask(KEY_REQUEST, source)
            self._metrics.reported(source)
