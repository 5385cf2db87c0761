"""Save to last ACK through the whole control plane, gate included, and back by a rollback.

A version is said to be live once it is on the disk as well; the log says when the last ACK was.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.child import until
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
        _until_live(control, 1, 120)
        for number in range(envoys):
            xds, named = control.socket, f"envoy-{number}"
            envoy = held.enter_context(following(home, xds, sotw=False, name=named))
            # its backends' names are asked for before it takes anything else
            until("it listens", partial(envoy.stat, "listener_manager.workers_started"), within=60)
        _save(control, files, texts[CHANGED], 0)  # whoever saves first waits until it is watched
        took = [_save(control, files, texts[CHANGED], n) for n in range(1, SAVES + 1)]
        yield (
            f"{routes:,} routes in {count} files, one changed, {SAVES} saves, "
            f"{envoys} Envoys: {_told([acked for acked, _ in took])} to the last ACK; "
            f"goals {goal}, 300; {_told([said for _, said in took])} until it is on the disk too"
        )
        back = sorted(_back(admin) for _ in range(BACKS))
        yield (
            f"rollback, {BACKS} times, {envoys} Envoys: p50 {statistics.median(back):.2f} s, "
            f"slowest {back[-1]:.2f} s to the last ACK; goal 2"
        )


def _told(seconds: list[float]) -> str:
    p99 = sorted(seconds)[int(len(seconds) * 0.99) - 1]
    return f"p50 {statistics.median(seconds) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms"


def _texts(routes: int, files: int, port: int) -> dict[str, str]:
    """The files, with backends that need no DNS."""
    made = {}
    for source in folder(routes, files):
        text = source.data.decode().replace("listen: {http: 8080}", f"listen: {{http: {port}}}")
        made[source.name] = text.replace(".internal:8080", ".example:8080")
    return made


def _save(control: ControlPlane, files: Path, text: str, number: int) -> tuple[float, float]:
    """Seconds from a save to the last ACK, and until the version is said to be live."""
    before = control.said('"live"')
    unfinished = files.parent / "unfinished"
    unfinished.write_text(text.replace('x-route: "1"', f'x-route: "save-{number}"'))
    time.sleep(PAUSE)
    began = time.perf_counter()
    unfinished.replace(files / CHANGED)
    _until_live(control, before + 1, 30)
    said = time.perf_counter() - began
    line = control.last('"live"')
    return said - (line["written"] - line["seconds"]), said


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
