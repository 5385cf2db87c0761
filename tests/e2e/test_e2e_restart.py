"""The control plane dies at its worst moments, under load, and comes back to files that changed.

Nobody notices: Envoy serves on, and what runs again goes on from where each node is.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from bench.envoys import upstream
from bench.load import Load, loaded
from controlplane.seen.page import NodeRecord, read
from tests.e2e.fleet import Fleet, hash_of, until

pytestmark = pytest.mark.xdist_group("restart")

NAMES = ("one", "two")
"""The upstreams; each answers with its name."""


def switched(number: int) -> str:
    """A gateway whose only backend is this one."""
    return f"""\
version: 1
listen: {{http: "127.0.0.1:@http@"}}
defaults: {{auth: none}}
backends: {{backend-{number}: "http://127.0.0.1:@{NAMES[number % 2]}@"}}
routes: [{{path: /**, to: backend-{number}}}]
"""


@contextmanager
def standing(folder: Path, *, sotw: bool = False) -> Iterator[Fleet]:
    """A control plane and an Envoy before two upstreams."""
    with ExitStack() as held:
        ports = {name: held.enter_context(upstream(folder, name)) for name in NAMES}
        fleet = Fleet(folder, switched(0), ports=ports, sotw=sotw)
        try:
            fleet.start("controlplane", "envoy").answers("/", 200)
            yield fleet
        finally:
            fleet.end()


def backends(fleet: Fleet) -> set[str]:
    """The backends that Envoy has a cluster of."""
    clusters = fleet.asked("admin", "/clusters")[1].splitlines()
    return {name for line in clusters if (name := line.split("::")[0]).startswith("backend-")}


def node(fleet: Fleet) -> NodeRecord:
    """How the control plane sees the Envoy."""
    return read(fleet.asked("controlplane", "/fleet")[1].encode())["nodes"][0]


def saved(fleet: Fleet, number: int) -> None:
    """The file is there; whether anybody has seen it yet is open."""
    fleet.write(switched(number))


def sent(fleet: Fleet, number: int) -> None:
    """Envoy has been sent the new cluster, and has not answered."""
    fleet.stall("envoy")
    fleet.write(switched(number))
    until("it is being added", lambda: node(fleet)["waiting"] and node(fleet)["phase"] == "add")


def added(fleet: Fleet, number: int) -> None:
    """Envoy has both clusters; its route may still go to the old one."""
    fleet.write(switched(number))
    until("both are there", lambda: backends(fleet) == {f"backend-{n}" for n in _two(number)})


def moved(fleet: Fleet, number: int) -> None:
    """The route goes to the new cluster, and the old one drains."""
    fleet.write(switched(number))
    name = NAMES[number % 2]
    until("the route has moved", lambda: httpx.get(fleet.base, timeout=5).text == name)
    assert backends(fleet) == {f"backend-{n}" for n in _two(number)}


def _two(number: int) -> tuple[int, int]:
    return number - 1, number


STEPS: tuple[tuple[Callable[[Fleet, int], None], bool], ...] = (
    (saved, False),
    (sent, False),
    (sent, True),
    (added, True),
    (moved, False),
    (moved, True),
)
"""The moment at which it dies, and whether the file changes before it is back."""


@pytest.mark.parametrize(
    ("sotw", "remembering"),
    [(False, True), (False, False), (True, True)],
    ids=["delta", "delta-no-state", "sotw"],
)
def test_killed_while_a_backend_is_switched(
    tmp_path: Path, *, sotw: bool, remembering: bool
) -> None:
    with standing(tmp_path, sotw=sotw) as fleet:
        port = fleet.ports["http"]
        with loaded(port, *NAMES, connections=8, rate=300) as load:
            load.until("answers", lambda book: NAMES[0] in book.bodies)
            number = 0
            for moment, changed in STEPS:
                number += 1
                moment(fleet, number)
                fleet.kill("controlplane")
                fleet.resume("envoy")
                if changed:
                    number += 1
                    fleet.write(switched(number))
                if not remembering:
                    shutil.rmtree(fleet.folder / "state")
                fleet.start("controlplane")
                newest = {f"backend-{number}"}
                until(f"only the newest, {moment}", lambda now=newest: backends(fleet) == now)  # type: ignore[misc] # bound in its round
                _answered(load, NAMES[number % 2])
            book = load.end()
        assert (book.failures, book.failed) == (0, {})
        assert set(book.bodies) == set(NAMES)


def _answered(load: Load, name: str) -> None:
    """Wait until an upstream has answered some more, and the other nothing more."""
    before = load.book().bodies
    load.until("answers", lambda book: book.bodies.get(name, 0) > before.get(name, 0) + 20)
    others = {other: n for other, n in before.items() if other != name}
    now = load.book().bodies
    assert all(now[other] <= n + 8 for other, n in others.items())  # as many were under way


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with standing(tmp_path_factory.mktemp("fleet")) as made:
        yield made


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [("version: 1\nroutes: [", "gateway.yaml:"), ("", "gateway.yaml"), (None, "gateway")],
    ids=["broken", "empty", "missing"],
)
def test_started_with_a_file_that_is_none(remembered: Fleet, spoilt: str | None, told: str) -> None:
    fleet = remembered
    fleet.write(switched(2))
    until("it is there", lambda: backends(fleet) == {"backend-2"})
    fleet.kill("controlplane")
    if spoilt is None:
        (fleet.files / "gateway.yaml").unlink()
    else:
        fleet.write(spoilt)
    fleet.start("controlplane")
    control = fleet.running["controlplane"]
    mistake = json.loads(control.wait_for('"place"'))
    assert mistake["level"] == "error"
    assert told in mistake["place"]
    assert json.loads(control.wait_for('"live"'))["restored"]
    fleet.kill("envoy")
    fleet.start("envoy")  # it knows nothing
    fleet.answers("/", 200)
    assert backends(fleet) == {"backend-2"}
    fleet.apply(switched(3))
    until("the newest", lambda: backends(fleet) == {"backend-3"})
    assert httpx.get(fleet.base, timeout=5).text == NAMES[1]


ACME, BOB = ({"x-api-key": f"fg_{name}_0123456789abcdef"} for name in ("acme", "bob"))


def people(*, bob: bool, scopes: str = "") -> str:
    """A gateway of acme, who may read, and perhaps of bob, who may not."""
    more = f'  bob: {{key: "{hash_of(BOB["x-api-key"])}"}}' if bob else ""
    return f"""\
version: 1
listen: {{http: "127.0.0.1:@http@"}}
identities: {{keys: {{apiKey: {{header: x-api-key}}}}}}
consumers:
  acme: {{keys: [{{hash: "{hash_of(ACME["x-api-key"])}", scopes: [read]}}]}}
{more}
backends: {{echo: "http://127.0.0.1:@echo@"}}
routes:
  - {{path: /guarded, auth: {{anyOf: [keys]{scopes}}}, to: echo}}
"""


@pytest.fixture
def guarded(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """A stack whose Envoy does not find the control plane, which is dead, and serves on."""
    fleet = Fleet(tmp_path, request.param)
    try:
        fleet.start("controlplane", "extauthz", "envoy")
        fleet.answers("/guarded", 200, headers=ACME)
        until("it is remembered", lambda: any((tmp_path / "state" / "xds").rglob("*")))
        fleet.kill("controlplane")
        fleet.cut("envoy")
        yield fleet
    finally:
        fleet.end()


@pytest.mark.parametrize("guarded", [people(bob=True)], indirect=True)
def test_a_consumer_removed_meanwhile_passes_no_more(guarded: Fleet) -> None:
    fleet = guarded
    assert fleet.status("/guarded", BOB) == 200
    fleet.write(people(bob=False))
    fleet.start("controlplane")
    fleet.running["controlplane"].wait_for('"live"')
    assert {fleet.status("/guarded", BOB) for _ in range(20)} == {401}  # by the old route
    assert fleet.status("/guarded", ACME) == 200


@pytest.mark.parametrize("guarded", [people(bob=False)], indirect=True)
def test_a_consumer_added_meanwhile_meets_no_old_route(guarded: Fleet) -> None:
    """Neither version lets bob pass: the old one does not know him, the new one wants a scope."""
    fleet = guarded
    assert fleet.status("/guarded", BOB) == 401
    fleet.write(people(bob=True, scopes=", scopes: [read]"))
    fleet.start("controlplane")
    fleet.running["controlplane"].wait_for('"live"')
    assert {fleet.status("/guarded", BOB) for _ in range(20)} == {401}
    fleet.join("envoy")
    fleet.answers("/guarded", 403, headers=BOB)
    assert fleet.status("/guarded", ACME) == 200
