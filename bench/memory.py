"""Resident memory of the control plane at 1,000 and at 10,000 routes."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.child import until
from bench.envoys import following
from bench.fleet import ControlPlane
from bench.gateways import folder
from bench.machine import resident_kib
from bench.running import dev, free_port

ROUTES = 1_000
MANY, FILES, SAVES = 10_000, 100, 20


def lines() -> Iterator[str]:
    """The measurement in words. The process also supervises Envoy and watches the files."""
    with tempfile.TemporaryDirectory() as name:
        port = free_port()
        _write(Path(name), ROUTES, 10, port)
        with dev(Path(name), f"http://127.0.0.1:{port}/") as pid:
            kib = resident_kib(pid)
    yield f"{ROUTES:,} routes in 10 files: {kib / 1024:.0f} MiB resident; goal 128"
    yield from _many()


def _many() -> Iterator[str]:
    """`foregate controlplane` alone, with an Envoy that follows it; the one that proves is apart.

    After saves too: it keeps what it read and made, to make less of the next one.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as held:
        files = Path(name) / "gateway"
        files.mkdir()
        _write(files, MANY, FILES, free_port())
        control = held.enter_context(ControlPlane(files, Path(name)))
        until("it is live", lambda: control.said('"live"'), within=120)
        held.enter_context(following(Path(name), control.socket, sotw=False))
        began = resident_kib(control.pid)
        for number in range(1, SAVES + 1):
            _save(control, files / f"team-{number}.yaml")
        kib = resident_kib(control.pid)
    yield (
        f"{MANY:,} routes in {FILES} files, without the proving Envoy: {began / 1024:.0f} MiB "
        f"resident, {kib / 1024:.0f} after {SAVES} saves; goal 400"
    )


def _write(home: Path, routes: int, files: int, port: int) -> None:
    for source in folder(routes, files):
        text = source.data.decode().replace("http: 8080", f"http: {port}")
        (home / source.name).write_text(text.replace(".internal:8080", ".example:8080"))


def _save(control: ControlPlane, file: Path) -> None:
    """Change a route of a file, again until it is seen: a watch begins after the first version."""
    before, number = control.said('"live"'), 0
    text = file.read_text()
    while control.said('"live"') == before:
        number += 1
        file.write_text(text.replace('x-route: "1"', f'x-route: "save-{number}"'))
        try:
            until("it is live", lambda: control.said('"live"') > before, within=10)
        except TimeoutError:
            continue
