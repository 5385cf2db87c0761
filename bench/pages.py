"""Many routes: what finding the last of 10,000 costs Envoy, and what a change of one costs.

Each round drives a gateway of one route and two of many, so that ratios are of one run.
"""

import gc
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.child import until
from bench.envoys import Follower, answers, following, upstream
from bench.fleet import Publishing, publishing
from bench.gateways import folder
from bench.machine import cpu_seconds
from bench.running import free_port
from controlplane.build import Options, build
from controlplane.files import Sources
from controlplane.selection.selector import Selector
from controlplane.sources import SourceFile
from tools.parts import command

ROUTES, FILES = 10_000, 100
ROUNDS, SECONDS, CONNECTIONS = 6, 2, 16
CHANGES, PUBLISHES, BUILDS = 40, 15, 3

CORS = 'cors: {origins: ["https://app.example.com"], maxAge: 1h}'
"""What routes inherit where preflights are answered: each has another entry before it."""

LAYOUTS = {
    "bare": (1, 1, ""),
    "100 hosts": (100, 100, ""),
    "one host": (1, 10_000, ""),
    "100 hosts with cors": (100, 100, CORS),
    "one host with cors": (1, 10_000, CORS),
}
"""Hosts, routes of each, and what these inherit."""

GOALS = {"100 hosts": "goal 1.3", "one host": "goal 1.4"}


def lines() -> Iterator[str]:
    """The measurement in words."""
    yield from _matching()
    yield _change_in_envoy()
    yield _change_here()
    yield f"{_whole(folder(ROUTES, FILES))}; goal 2.0"
    yield f"the same with cors in defaults, {_whole(_with_cors(folder(ROUTES, FILES)))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Driven:
    """A gateway, and the last of its routes."""

    url: str
    host: str
    pid: int


def _matching() -> Iterator[str]:
    wrk = command("wrk")
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        target = stack.enter_context(upstream(home, "ok"))
        driven = {}
        for name, (hosts, each, inherited) in LAYOUTS.items():
            port = free_port()
            files = tuple(_files(port, target, hosts, each, inherited))
            envoy, _ = stack.enter_context(_served(name.replace(" ", "-"), files))
            last = f"http://127.0.0.1:{port}/v1/things-{each - 1}"
            answers(last)
            driven[name] = _Driven(url=last, host=f"h{hosts - 1}.example", pid=envoy.pid)
        for one in driven.values():
            _microseconds(wrk, one)  # warm
        rounds = []
        for number in range(ROUNDS):
            names = list(driven)
            turned = names[number % len(names) :] + names[: number % len(names)]
            rounds.append({name: _microseconds(wrk, driven[name]) for name in turned})
    yield f"a bare route: {statistics.median(one['bare'] for one in rounds):.1f} µs a request"
    for name in list(LAYOUTS)[1:]:
        ratios = sorted(one[name] / one["bare"] for one in rounds)
        yield (
            f"the last of {ROUTES:,} routes, {name}: {statistics.median(ratios):.2f} times bare "
            f"({ROUNDS} rounds, from {ratios[0]:.2f} to {ratios[-1]:.2f}); "
            f"{GOALS.get(name, 'no goal')}"
        )


def _files(port: int, target: int, hosts: int, each: int, inherited: str) -> Iterator[SourceFile]:
    """A file a host, all with one backend."""
    for number in range(hosts):
        text = f"hosts: [h{number}.example]\ndefaults:\n  auth: none\n  {inherited}\n"
        if number == 0:
            text = f"version: 1\nlisten: {{http: '127.0.0.1:{port}'}}\n{text}"
            text += f"backends: {{things: 'http://127.0.0.1:{target}'}}\n"
        text += "routes:\n"
        text += "".join(f"  - {{path: /v1/things-{n}/**, to: things}}\n" for n in range(each))
        name = "gateway.yaml" if number == 0 else f"h{number}.yaml"
        yield SourceFile(name=name, data=text.encode())


@contextmanager
def _served(name: str, files: tuple[SourceFile, ...]) -> Iterator[tuple[Follower, Publishing]]:
    """An Envoy that has what the files compile to, past the watch and the gate."""
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        socket = Path(home) / "xds.sock"
        publisher = stack.enter_context(publishing(socket))
        publisher.publish(files)
        envoy = stack.enter_context(following(Path(home), socket, sotw=False, name=name))
        until("it listens", lambda: envoy.stat("listener_manager.workers_started"))
        yield envoy, publisher


def _microseconds(wrk: list[str], one: _Driven) -> float:
    before = cpu_seconds(one.pid)
    words = [*wrk, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-H", f"Host: {one.host}", one.url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(said)
    requests = int(said.partition(" requests in")[0].split()[-1])
    return (cpu_seconds(one.pid) - before) / requests * 1e6


def _change_in_envoy() -> str:
    """CPU of an Envoy from publish to ACK; a clock of 10 ms is read before the first and after all.

    What it does meanwhile without a publish is taken off.
    """
    files = _local(free_port())
    with _served("changing", files) as (envoy, publisher):
        took = []
        before, began = cpu_seconds(envoy.pid), time.monotonic()
        for number in range(PUBLISHES):
            files = _changed(files, number)
            took.append(publisher.publish(files)["seconds"])
        used, seconds = cpu_seconds(envoy.pid) - before, time.monotonic() - began
        before = cpu_seconds(envoy.pid)
        time.sleep(min(seconds, 10))
        idle = (cpu_seconds(envoy.pid) - before) / min(seconds, 10) * seconds
    return (
        f"one route of {ROUTES:,} in {FILES} files changed, {PUBLISHES} times: "
        f"{max(0.0, used - idle) / PUBLISHES * 1000:.1f} ms of Envoy's CPU, goal 10; "
        f"publish to ACK p50 {statistics.median(took) * 1000:.0f} ms"
    )


def _change_here() -> str:
    files, selector, used = folder(ROUTES, FILES), Selector(), []
    good = selector.choose(Sources(files=files, mistakes=()), (), Options()).build.sources
    gc.collect()
    gc.disable()  # as the command does
    for number in range(CHANGES):
        files = _changed(files, number)
        began = time.process_time()
        chosen = selector.choose(Sources(files=files, mistakes=()), good, Options())
        used.append(time.process_time() - began)
        if chosen.build.snapshot is None:
            raise ValueError(chosen.mistakes[:3])
        good = chosen.build.sources
    gc.enable()
    return (
        f"the same here, from file to snapshot: {statistics.median(used) * 1000:.0f} ms of CPU "
        f"(best {min(used) * 1000:.0f}); goal 40"
    )


def _whole(files: tuple[SourceFile, ...]) -> str:
    used = []
    for _ in range(BUILDS):
        gc.collect()
        gc.disable()
        began = time.process_time()
        built = build(files, Options())
        used.append(time.process_time() - began)
        gc.enable()
        if built.snapshot is None:
            raise ValueError(built.mistakes[:3])
    return (
        f"all {ROUTES:,} routes from nothing: {statistics.median(used):.2f} s of CPU "
        f"(best {min(used):.2f})"
    )


def _with_cors(files: tuple[SourceFile, ...]) -> tuple[SourceFile, ...]:
    inherited = f"  auth: none\n  {CORS}\n".encode()
    return tuple(replace(f, data=f.data.replace(b"  auth: none\n", inherited)) for f in files)


def _changed(files: tuple[SourceFile, ...], number: int) -> tuple[SourceFile, ...]:
    """The files with another timeout at one route, in each file in turn."""
    one = files[number % FILES]
    timeout = b"    timeout: %dms" % (1_001 + number)
    data = re.sub(rb"    timeout: 1\d*m?s", timeout, one.data, count=1)
    return tuple(replace(f, data=data) if f is one else f for f in files)


def _local(port: int) -> tuple[SourceFile, ...]:
    """The mixed routes, with backends that need no DNS."""
    made = []
    for one in folder(ROUTES, FILES):
        text = one.data.decode().replace("{http: 8080}", f"{{http: '127.0.0.1:{port}'}}")
        text = re.sub(r"http://users-\d+\.internal:8080", "http://127.0.0.1:9", text)
        made.append(replace(one, data=text.encode()))
    return tuple(made)
