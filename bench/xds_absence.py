"""The control plane is killed under load, stays away for a minute, and comes back."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.child import until
from bench.envoys import Follower
from bench.fleet import NAMES, ControlPlane, Stage, served, stage
from bench.load import Load, loaded

AWAY_SECONDS, RATE = 60.0, 1_000.0
"""`RATE` is in requests a second."""

RETURNS = 5
"""How often it comes back with a file that was changed meanwhile."""

CONNECTED = "control_plane.connected_state"


def lines() -> Iterator[str]:
    """The measurement in words; a switch of the backend shows that it is back."""
    with tempfile.TemporaryDirectory() as name, stage(Path(name)) as on:
        on.save(_gateway(on, 0))
        with served(on, sotw=False) as (control, envoy):
            until("there is a port", lambda: envoy.stat("listener_manager.listener_create_success"))
            with loaded(on.port, *NAMES, rate=RATE) as load:
                load.until("answers", lambda book: book.asked > RATE)
                _kill(control, envoy)
                time.sleep(AWAY_SECONDS)
                took = _start(control)
                on.save(_gateway(on, 1))
                _switched(load, 1)
                book = load.end()
            yield (
                f"killed under load, {AWAY_SECONDS:.0f} s away, started again (Envoy is back after "
                f"{took:.1f} s) and a backend switched: {book.told}, goal 0; "
                f"slowest {book.slowest_ms:.0f} ms"
            )
            with loaded(on.port, *NAMES, rate=RATE) as load:
                load.until("answers", lambda book: book.asked > RATE)
                for number in range(2, 2 + RETURNS):
                    _kill(control, envoy)
                    on.save(_gateway(on, number))
                    _start(control)
                    _switched(load, number)
                book = load.end()
    yield (
        f"{RETURNS} times killed under load and started again with another backend in the file: "
        f"{book.told}, goal 0; slowest {book.slowest_ms:.0f} ms"
    )


def _kill(control: ControlPlane, envoy: Follower) -> None:
    control.kill()
    until("it is gone", lambda: envoy.stat(CONNECTED) == 0)


def _start(control: ControlPlane) -> float:
    """Seconds until it knows the Envoy."""
    had = control.said('"xds node connected"')
    began = time.monotonic()
    control.start()
    until("it knows Envoy", lambda: control.said('"xds node connected"') > had)
    return time.monotonic() - began


def _switched(load: Load, number: int) -> None:
    """Wait for the other backend, and for another second of answers."""
    to, had = NAMES[number % 2], load.book().bodies.get(NAMES[number % 2], 0)
    load.until("a switch", lambda book: book.bodies.get(to, 0) > had)
    asked = load.book().asked
    load.until("more", lambda book: book.asked > asked + RATE)


def _gateway(on: Stage, number: int) -> str:
    to = NAMES[number % 2]
    return on.gateway(
        backends=f"  {to}: http://127.0.0.1:@{to}@\n", routes=f"  - {{path: /**, to: {to}}}\n"
    )
