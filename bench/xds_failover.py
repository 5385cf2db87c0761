"""Streams whose control plane dies go to a second one on the same files: what it sends them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.child import until
from bench.fleet import ControlPlane
from bench.gateways import folder
from bench.streams import streams, wanted
from controlplane.snapshot import ROUTES
from controlplane.sources import SourceFile

STREAMS, SIZE, FILES = 100, 1_000, 10


def lines() -> Iterator[str]:
    """The measurement in words. A change at the end shows that nothing else was under way."""
    sources = folder(SIZE, FILES)
    with tempfile.TemporaryDirectory() as name:
        home, files = Path(name), Path(name) / "gateway"
        files.mkdir()
        _save(files, sources)
        with (
            ControlPlane(files, home, "first") as first,
            ControlPlane(files, home, "second") as second,
            streams(STREAMS, wanted(sources)) as nodes,
        ):
            until("both listen", lambda: first.socket.exists() and second.socket.exists())
            until("both have it", lambda: first.said('"live"') and second.said('"live"'))
            nodes.open(first.socket)
            nodes.until_whole(STREAMS)
            start = nodes.seen().got.total()
            first.kill()
            until("all were cut", lambda: nodes.seen().lost >= STREAMS)
            nodes.open(second.socket)
            changed = sources[0].data.replace(b"/v1/things-0/**", b"/v1/changed/**", 1)
            until("all are known", lambda: second.said('"xds node connected"') >= STREAMS)
            _save(files, (SourceFile(name=sources[0].name, data=changed),))
            until("all have the change", lambda: nodes.seen().got[ROUTES] >= STREAMS)
            seen = nodes.seen()
    sent = seen.got.total() - STREAMS
    yield (
        f"{STREAMS} delta streams fail over ({start:,} resources from the first control plane): "
        f"{sent} resources and {seen.removed} removals from the second before a change, goal 0"
    )


def _save(files: Path, sources: tuple[SourceFile, ...]) -> None:
    for one in sources:
        unfinished = files.parent / "unfinished"
        unfinished.write_bytes(one.data)
        unfinished.replace(files / one.name)
