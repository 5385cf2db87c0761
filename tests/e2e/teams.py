"""A gateway of four files, each of another team: asked all the time, and what is said of it.

Each file answers with its own name and the number of its content, so that a client sees which
content of which file is served. A route of beta goes to a backend that alpha defines.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bench.envoys import UPSTREAM, static
from bench.load import Load, loaded
from tests.e2e.fleet import Fleet, until
from tests.e2e.process import free_port
from tests.e2e.routes import ran

ENVOYS = ("envoy", "envoy-2", "envoy-3")
PATHS = ("/", "/alpha", "/beta", "/beta/shop", "/gamma")
FILES = ("alpha.yaml", "beta.yaml", "gamma.yaml", "gateway.yaml")
SHOP = "shop"
FIRST = frozenset({"gateway-1", "alpha-1", "beta-1", "gamma-1", SHOP})


def text(team: str, number: int = 1) -> str:
    """A file of a team."""
    head, path, more = "", f"/{team}", ""
    if team == "gateway":
        head = 'version: 1\nlisten: {http: "127.0.0.1:@http@"}\n'
        path = "/"
    if team == "alpha":
        head = 'backends: {shop: "http://127.0.0.1:@shop@"}\n'
    if team == "beta":
        more = "  - {path: /beta/shop, to: shop}\n"
    said = f"respond: {{status: 200, body: {team}-{number}}}"
    return f'{head}defaults: {{auth: none}}\nroutes:\n  - {{path: "{path}", {said}}}\n{more}'


@contextmanager
def teams(folder: Path, *started: str) -> Iterator[Fleet]:
    """A fleet with the four files; `started` are its parts, or the control plane and 3 Envoys."""
    port = free_port()
    with static(folder, SHOP, UPSTREAM.format(port=port, body=SHOP), port):
        fleet = Fleet(folder, text("gateway"), ports={SHOP: port})
        whole(fleet)
        try:
            fleet.start(*(started or ("controlplane", *ENVOYS)))
            yield fleet
        finally:
            fleet.end()


def whole(fleet: Fleet, folder: str = "gateway") -> None:
    """Have the first content of every file in a folder."""
    for file in FILES:
        fleet.save(file, text(file.removesuffix(".yaml")), folder)


def emptied(folder: Path) -> None:
    """Remove all files that are in a folder."""
    for one in folder.iterdir():
        if not one.is_dir():
            one.unlink()


@contextmanager
def asked(fleet: Fleet, *more: str) -> Iterator[Load]:
    """Ask all paths all the time; at the end, each answer was a body of FIRST or of `more`."""
    port = fleet.ports["http"]
    with loaded(port, *FIRST, *more, connections=12, rate=250, paths=PATHS) as load:
        answers(load, *FIRST)
        yield load
        book = load.end()
    assert (book.failures, book.failed) == (0, {})


def answers(load: Load, *bodies: str) -> None:
    """Wait until these are the answers, all of them and no others."""
    until(f"only {sorted(bodies)} are answered", lambda: _next(load) == set(bodies))


def _next(load: Load, count: int = 60) -> set[str]:
    before = load.book()
    load.until("more answers", lambda book: book.asked >= before.asked + count)
    now = load.book()
    assert now.failures - now.asked + sum(now.bodies.values()) == 0
    assert not now.failed, now.failed
    return {body for body, n in now.bodies.items() if n > before.bodies.get(body, 0)}


def page(fleet: Fleet, control: str = "controlplane") -> dict[str, Any]:
    """What a control plane says of its fleet; empty where it does not answer."""
    status, said = fleet.asked(control, "/fleet")
    found: dict[str, Any] = json.loads(said) if status == 200 else {}
    return found


def states(fleet: Fleet, control: str = "controlplane") -> dict[str, str]:
    """What is served of each file."""
    files = page(fleet, control).get("served", {}).get("files", ())
    return {Path(one["file"]).name: one["state"] for one in files}


def live(fleet: Fleet, count: int = 3, control: str = "controlplane") -> bool:
    """Whether so many nodes are connected, and all of them have what is served."""
    found = page(fleet, control).get("summary", {})
    return bool(found.get("live") == count and sum(found.values()) == count)


def served(fleet: Fleet, *, control: str = "controlplane", **behind: str) -> None:
    """Wait until of these files (`alpha="last good"`) other content is served, and of no others.

    Then the metrics have to say the same as the page.
    """
    wanted = {f"{name}.yaml": state for name, state in behind.items()}

    def so() -> bool:
        found = states(fleet, control)
        return (
            bool(found) and {n: state for n, state in found.items() if state != CURRENT} == wanted
        )

    until(f"behind are {wanted}", so)
    files = page(fleet, control)["served"]["files"]
    assert {Path(f["file"]).name: f["state"] for f in files if f["mistakes"]} == wanted
    counted = samples(fleet, control)
    for state in (CURRENT, "last good", "not served"):
        name = ("foregate_files", state.replace(" ", "_"))
        assert counted[name] == sum(f["state"] == state for f in files), name
    for one in files:
        name = ("foregate_file_current", Path(one["file"]).name)
        assert counted[name] == (one["state"] == CURRENT), name


CURRENT = "current"


def told(fleet: Fleet, **behind: str) -> None:
    """`foregate fleet`, `check` and `history` say of the files what `served` waited for."""
    wanted = {f"{name}.yaml": state for name, state in behind.items()}
    admin = f"127.0.0.1:{fleet.ports['controlplane']}"
    said = ran("fleet", "--admin", admin, "-o", "json", cwd=fleet.folder, code=0).stdout
    now = json.loads(said)["served"]
    files = {Path(one["file"]).name: one["state"] for one in now["files"]}
    assert {name: state for name, state in files.items() if state != CURRENT} == wanted
    newest = versions(fleet)[0]
    assert (newest["number"], newest["content"]) == (now["version"], now["content"])
    checked(fleet, well=not behind)


def checked(fleet: Fleet, control: str = "controlplane", *, well: bool) -> str:
    """What `foregate check` says of the folder."""
    folder = "gateway" + control.removeprefix("controlplane")
    return ran("check", folder, cwd=fleet.folder, code=0 if well else 1).stdout


def samples(fleet: Fleet, control: str = "controlplane") -> Mapping[tuple[str, str], float]:
    """The metrics by name and the value of their one label, empty for none."""
    families = text_string_to_metric_families(fleet.asked(control, "/metrics")[1])
    found = [s for family in families for s in family.samples]
    return {(s.name, "".join(s.labels.values())): s.value for s in found}


def versions(fleet: Fleet) -> list[dict[str, Any]]:
    """What the history says, the newest first."""
    state = str(fleet.folder / "state")
    said = ran("history", "--state-dir", state, "-o", "json", cwd=fleet.folder).stdout
    found: list[dict[str, Any]] = json.loads(said)["versions"]
    return found


def restarted(fleet: Fleet, name: str = "controlplane") -> None:
    """Kill a control plane and start it anew."""
    fleet.kill(name)
    fleet.start(name)
    until("the nodes are back", lambda: live(fleet))


def copied(fleet: Fleet, folder: str) -> Path:
    """A copy of the gateway's folder beside it."""
    shutil.copytree(fleet.files, fleet.folder / folder)
    return fleet.folder / folder
