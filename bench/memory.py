"""Resident memory of the control plane at 1,000 routes."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.gateways import folder
from bench.machine import resident_kib
from bench.running import dev, free_port

ROUTES = 1_000


def lines() -> Iterator[str]:
    """The measurement in words. The process also supervises Envoy and watches the files."""
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        for source in folder(ROUTES, 10):
            text = source.data.decode().replace("http: 8080", f"http: {port}")
            (Path(name) / source.name).write_text(text)
        with dev(Path(name), f"http://127.0.0.1:{port}/") as pid:
            kib = resident_kib(pid)
    yield f"{ROUTES:,} routes in 10 files: {kib / 1024:.0f} MiB resident; goal 128"
