"""Save to live: from the write of a file to the first request that sees it, gate included."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.running import dev, free_port

ROUTES, SAVES = 100, 40


def lines() -> Iterator[str]:
    """The measurement in words."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "gateway.yaml"
        port = free_port()
        file.write_text(_gateway(port, 0))
        base = f"http://127.0.0.1:{port}"
        with dev(file, f"{base}/marker"), httpx.Client(base_url=base) as client:
            took = sorted(_save(client, file, port, n) for n in range(1, SAVES + 1))
    p95 = took[int(len(took) * 0.95) - 1]
    yield (
        f"{ROUTES} routes, {SAVES} saves: p50 {statistics.median(took) * 1000:.0f} ms, "
        f"p95 {p95 * 1000:.0f} ms; goal p50 250"
    )


def _save(client: httpx.Client, file: Path, port: int, number: int) -> float:
    began = time.perf_counter()
    file.write_text(_gateway(port, number))
    while client.get("/marker").text != str(number):
        if time.perf_counter() - began > 30:
            raise TimeoutError(file)
    return time.perf_counter() - began


def _gateway(port: int, number: int) -> str:
    text = f"version: 1\nlisten: {{http: {port}}}\ndefaults: {{auth: none}}\nroutes:\n"
    text += f'  - path: /marker\n    respond: {{status: 200, body: "{number}"}}\n'
    for n in range(ROUTES - 1):
        text += f"  - path: /things-{n}/{{id}}\n    respond: {{status: 200, body: ok}}\n"
    return text
