"""Save to last ACK through the whole control plane, gate included, and back by a rollback."""

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.envoys import following
from bench.fleet import ControlPlane
from bench.gateways import folder
from bench.running import free_port
from foregate.operating import ask_rollback

SAVES, BACKS = 100, 10
GATEWAYS = ((1_000, 10, 1, 80), (1_000, 10, 3, 80), (10_000, 100, 1, 100))
"""Routes, files, Envoys, and the goal of p50 in milliseconds."""

PAUSE = 0.25
"""Seconds between two saves: those that follow within 0.1 s are a burst, and wait for its end."""

CHANGED = "team-5.yaml"
"""The file that is saved again and again, a header of one route changed."""


def lines() -> Iterator[str]:
    """The measurement in words."""
    for routes, files, envoys, goal in GATEWAYS:
        yield from _lines(routes, files, envoys, goal)


def _lines(routes: int, count: int, envoys: int, goal: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as held:
        home = Path(name)
        files = home / "gateway"
        files.mkdir()
        texts = _texts(routes, count, free_port())
        for file, text in texts.items():
            (files / file).write_text(text)
        admin = f"unix:{home}/admin.sock"
        control = held.enter_context(ControlPlane(files, home, admin=admin))
        for number in range(envoys):
            held.enter_context(following(home, control.socket, sotw=False, name=f"envoy-{number}"))
        _until_live(control, 1, 120)
        _save(control, files, texts[CHANGED], 0)  # whoever saves first waits until it is watched
        took = sorted(_save(control, files, texts[CHANGED], n) for n in range(1, SAVES + 1))
        p99 = took[int(len(took) * 0.99) - 1]
        yield (
            f"{routes:,} routes in {count} files, one changed, {SAVES} saves, "
            f"{envoys} Envoys: "
            f"p50 {statistics.median(took) * 1000:.0f} ms, "
            f"p99 {p99 * 1000:.0f} ms to the last ACK; goals {goal}, 300"
        )
        back = sorted(_back(admin) for _ in range(BACKS))
        yield (
            f"rollback, {BACKS} times, {envoys} Envoys: p50 {statistics.median(back):.2f} s, "
            f"slowest {back[-1]:.2f} s to the last ACK; goal 2"
        )


def _texts(routes: int, files: int, port: int) -> dict[str, str]:
    """The files, with backends that need no DNS."""
    made = {}
    for source in folder(routes, files):
        text = source.data.decode().replace("listen: {http: 8080}", f"listen: {{http: {port}}}")
        made[source.name] = text.replace(".internal:8080", ".example:8080")
    return made


def _save(control: ControlPlane, files: Path, text: str, number: int) -> float:
    before = control.said('"live"')
    unfinished = files.parent / "unfinished"
    unfinished.write_text(text.replace('x-route: "1"', f'x-route: "save-{number}"'))
    time.sleep(PAUSE)
    began = time.perf_counter()
    unfinished.replace(files / CHANGED)
    _until_live(control, before + 1, 30)
    return time.perf_counter() - began


def _until_live(control: ControlPlane, count: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while control.said('"live"') < count:
        if time.monotonic() > until:
            raise TimeoutError(count)
        time.sleep(0.002)


def _back(admin: str) -> float:
    began = time.perf_counter()
    result = ask_rollback(admin, None, restore_consumers=False)
    if result["state"] != "live":
        raise RuntimeError(json.dumps(result["warnings"]))
    return time.perf_counter() - began
