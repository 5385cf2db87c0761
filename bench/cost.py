"""Envoy's CPU per request behind Foregate and behind an equal hand-written config, paired.

Each round drives both, and a second Envoy with the hand-written config: what the last two differ
by is what this machine's noise makes of nothing (the A/A band).
"""

import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.envoys import static, upstream
from bench.machine import cpu_seconds
from bench.running import children, dev, free_port
from tools.parts import command

ROUNDS, SECONDS, CONNECTIONS = 8, 3, 16
HERE = Path(__file__).parent

GATEWAY = """\
version: 1
listen: {{http: {port}}}
defaults:
  auth: none
  timeout: 3s
  retry: {{attempts: 2, codes: [502, 503]}}
  request: {{set: {{x-gateway: edge}}, remove: [x-internal]}}
  response: {{remove: [server]}}
backends:
  things: http://127.0.0.1:{upstream}
routes:
  - path: /things/**
    to: things
"""


def lines() -> Iterator[str]:
    """The measurement in words."""
    wrk = command("wrk")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port_of_upstream = stack.enter_context(upstream(folder, "ok"))
        hand = (HERE / "handwritten.yaml").read_text().replace("@upstream@", str(port_of_upstream))
        gateways: dict[str, tuple[int, int]] = {}
        for name in ("hand", "again"):
            port = free_port()
            text = hand.replace("@port@", str(port))
            gateways[name] = (port, stack.enter_context(static(folder, name, text, port)))
        port = free_port()
        file = folder / "gateway.yaml"
        file.write_text(GATEWAY.format(port=port, upstream=port_of_upstream))
        parent = stack.enter_context(dev(file, f"http://127.0.0.1:{port}/things"))
        gateways["foregate"] = (port, children(parent)["envoy"])
        for port, pid in gateways.values():
            _microseconds(wrk, port, pid)  # warm
        rounds = [_round(wrk, gateways, n) for n in range(ROUNDS)]
    ours = sorted(one["foregate"] / one["hand"] for one in rounds)
    noise = sorted(one["again"] / one["hand"] for one in rounds)
    yield (
        f"CPU per request: by hand {statistics.median(r['hand'] for r in rounds):.1f} µs, "
        f"foregate {statistics.median(r['foregate'] for r in rounds):.1f} µs "
        f"({ROUNDS} rounds of {SECONDS} s, {CONNECTIONS} connections)"
    )
    yield (
        f"foregate / by hand: {statistics.median(ours):.3f} "
        f"(from {ours[0]:.3f} to {ours[-1]:.3f}); "
        f"A/A band: {statistics.median(noise):.3f} (from {noise[0]:.3f} to {noise[-1]:.3f})"
    )


def _round(wrk: list[str], gateways: dict[str, tuple[int, int]], number: int) -> dict[str, float]:
    """All three, in an order that turns, so that none is always first."""
    names = sorted(gateways)
    turned = names[number % 3 :] + names[: number % 3]
    return {name: _microseconds(wrk, *gateways[name]) for name in turned}


def _microseconds(wrk: list[str], port: int, pid: int) -> float:
    before = cpu_seconds(pid)
    url = f"http://127.0.0.1:{port}/things/1"
    words = [*wrk, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(said)
    requests = int(said.partition(" requests in")[0].split()[-1])
    return (cpu_seconds(pid) - before) / requests * 1e6
