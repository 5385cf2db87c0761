"""What `foregate fleet` and its metrics say of two Envoys that live, stall, die and refuse."""

import json
import socket
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.load import loaded
from controlplane.seen.page import FleetRecord, NodeRecord, read
from tests.e2e.fleet import Fleet, until
from tests.e2e.routes import ran

pytestmark = pytest.mark.xdist_group("fleet")

REGEX = "".join(f"/part-{n}/{{of{n}}}" for n in range(7))
LIMIT: dict[str, object] = {"re2.max_program_size.error_level": 50}
"""A limit of an operator's own, which our gate does not know of."""


def gateway(path: str = "/spare", http: str = "@http@") -> str:
    """A gateway with one path that changes."""
    return f"""\
version: 1
listen: {{http: "127.0.0.1:{http}"}}
defaults: {{auth: none}}
routes:
  - {{path: /, respond: {{status: 200, body: well}}}}
  - {{path: "{path}", respond: {{status: 200, body: spare}}}}
"""


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("fleet"), gateway())
    made.runtime["envoy-2"] = LIMIT
    made.start("redis", "controlplane", "extauthz", "ratelimit", "envoy", "envoy-2")
    try:
        made.running["controlplane"].wait_for('"live"')
        all_live(made)
        yield made
    finally:
        made.end()


@pytest.fixture
def fleet(standing: Fleet) -> Iterator[Fleet]:
    """A fleet that is live before each test and whole after it."""
    standing.heal()
    all_live(standing)
    version = envoy(standing)["version"]
    yield standing
    standing.heal()
    if envoy(standing, "envoy-1")["version"] != version:
        standing.apply(gateway())


def shown(fleet: Fleet) -> FleetRecord:
    return read(fleet.asked("controlplane", "/fleet")[1].encode())


def envoy(fleet: Fleet, name: str = "envoy-2") -> NodeRecord:
    return next(node for node in shown(fleet)["nodes"] if node["node"] == name)


def all_live(fleet: Fleet) -> None:
    """Wait until all four nodes are."""
    until("four live nodes", lambda: shown(fleet)["summary"]["live"] == 4)


def told(fleet: Fleet, *words: str, code: int) -> str:
    admin = f"127.0.0.1:{fleet.ports['controlplane']}"
    return ran("fleet", "--admin", admin, *words, cwd=fleet.folder, code=code).stdout


def counted(fleet: Fleet, name: str, **labels: str) -> float:
    """A sample of the control plane's metrics."""
    families = text_string_to_metric_families(fleet.asked("controlplane", "/metrics")[1])
    samples = [s for family in families for s in family.samples]
    return next(s.value for s in samples if (s.name, s.labels) == (name, labels))


def test_all_are_live_and_a_save_moves_them_to_another_version(fleet: Fleet) -> None:
    page = json.loads(told(fleet, "-o", "json", code=0))
    assert page["summary"] == {"waiting": 0, "live": 4, "rejected": 0, "late": 0, "gone": 0}
    roles = sorted(node["role"] for node in page["nodes"])
    assert roles == ["envoy", "envoy", "extauthz", "ratelimit"]
    assert told(fleet, code=0).splitlines()[-1] == "4 nodes: 4 live"
    before, taken = envoy(fleet), counted(fleet, TOOK)
    assert envoy(fleet, "envoy-1")["version"] == before["version"]
    fleet.apply(gateway("/other"))
    until("it is taken", lambda: counted(fleet, TOOK) == taken + 1)
    for name in ("envoy-1", "envoy-2"):
        now = envoy(fleet, name)
        assert (now["state"], now["phase"]) == ("live", "done")
        assert now["version"] != before["version"]
        assert now["types"]["RDS"]["acked"] == now["types"]["RDS"]["sent"]
        assert now["types"]["RDS"]["acked"] != before["types"]["RDS"]["acked"]
        assert now["types"]["LDS"]["acked"] == before["types"]["LDS"]["acked"]


TOOK = "foregate_save_to_last_ack_seconds_count"


def test_one_that_stands_still_is_late_after_a_save(fleet: Fleet) -> None:
    taken = counted(fleet, TOOK)
    fleet.stall("envoy-2")
    fleet.apply(gateway("/other"))
    until("it is late", lambda: envoy(fleet)["state"] == "late")
    assert envoy(fleet, "envoy-1")["state"] == "live"
    assert "late (move)" in told(fleet, code=1)
    assert counted(fleet, TOOK) == taken
    assert counted(fleet, "foregate_xds_nodes", role="envoy", state="late") == 1
    fleet.resume("envoy-2")
    all_live(fleet)
    assert counted(fleet, TOOK) == taken + 1


def test_one_that_is_killed_is_gone(fleet: Fleet) -> None:
    fleet.kill("envoy-2")
    until("it is gone", lambda: envoy(fleet)["state"] == "gone")
    assert told(fleet, code=1).splitlines()[-1] == "4 nodes: 3 live, 1 gone"
    fleet.start("envoy-2")
    all_live(fleet)
    assert told(fleet, code=0)


def nacks(fleet: Fleet, kind: str) -> float:
    return counted(fleet, "foregate_xds_nacks_total", role="envoy", type=kind)


@pytest.mark.parametrize("what", ["routes", "port"])
def test_what_an_envoy_refuses_is_told_and_taken_back(fleet: Fleet, what: str) -> None:
    """The gate cannot know of it: a limit of one Envoy, a port that is taken on their machine.

    Of a route, Envoy says only the regular expression: the line is the one that has changed.
    """
    with socket.socket() as held, loaded(fleet.ports["http"], "well", rate=100) as load:
        load.until("answers", lambda book: book.bodies)
        held.bind(("127.0.0.1", 0))
        held.listen()
        kind = {"routes": "RDS", "port": "LDS"}[what]
        bad = {"routes": gateway(REGEX), "port": gateway(http=str(held.getsockname()[1]))}[what]
        place = {"routes": "/gateway.yaml:6:", "port": "/gateway.yaml:2:"}[what]
        before, taken = nacks(fleet, kind), counted(fleet, TOOK)
        version = envoy(fleet)["version"]
        fleet.write(bad)
        mistake = json.loads(fleet.running["controlplane"].wait_for('"place"'))
        assert place in mistake["place"], mistake
        fleet.running["controlplane"].wait_for("the last good version stays")
        assert nacks(fleet, kind) == before + {"routes": 1, "port": 2}[what]
        until("back", lambda: envoy(fleet)["version"] == version)
        all_live(fleet)
        assert counted(fleet, TOOK) == taken
        book = load.end()
    assert (book.failures, book.failed) == (0, {})


def test_what_one_that_comes_later_refuses_is_shown_at_its_line(fleet: Fleet) -> None:
    fleet.kill("envoy-2")
    fleet.apply(gateway(REGEX))
    fleet.start("envoy-2")
    until("it refuses", lambda: envoy(fleet)["state"] == "rejected")
    refused = envoy(fleet)["types"]["RDS"]
    assert "max program size" in refused["message"]
    assert "/gateway.yaml:1:" in refused["places"][0]
    assert envoy(fleet, "envoy-1")["state"] == "live"
    said = told(fleet, code=1)
    assert "/gateway.yaml:1:" in said
    assert "RDS refused:" in said
    assert said.splitlines()[-1] == "4 nodes: 3 live, 1 rejected"
    fleet.apply(gateway())
    all_live(fleet)
    assert told(fleet, code=0)
