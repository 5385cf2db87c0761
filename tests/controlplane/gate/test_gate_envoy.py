"""The gate with a real Envoy: good passes, bad is refused at its line, no answer is neither."""

import asyncio
import os
from pathlib import Path

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.gate.gate import Gate
from controlplane.gate.ledger import NAME
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Cause, Passed, Refused, Unproved, Verdict, mistakes
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Snapshot, Subject
from foregate.parts import envoy
from language.places import Place
from tests.controlplane.gate.gate_snapshots import built, damaged, good

PATIENT = Bounds(seconds=60)
"""A verdict is asked for here, and the machine may be busy."""


WAYS = ("prover", "stripped", "validate")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Every verdict is the same whichever Envoy gives it."""
    return str(request.param)


def prove(snapshot: Snapshot, way: str = "validate", folder: Path | None = None) -> Verdict:
    async def proved() -> Verdict:
        gate = Gate(envoy=envoy().path, folder=folder, bounds=PATIENT, namespace=way != "stripped")
        if way == "validate":
            return await gate.prove(snapshot)
        async with gate:
            return await gate.prove(snapshot)

    verdict = asyncio.run(proved())
    if not isinstance(verdict, Unproved):
        assert verdict.how == ("validate" if way == "validate" else "prover")
        assert verdict.software == "envoy/1.40.0"
    return verdict


def causes(snapshot: Snapshot, way: str) -> tuple[Cause, ...]:
    """The causes of a refusal, all of them, each found to the end."""
    verdict = prove(snapshot, way)
    assert isinstance(verdict, Refused)
    assert verdict.complete
    assert all(cause.among == () for cause in verdict.causes)
    return verdict.causes


def test_what_foregate_compiles_passes(way: str) -> None:
    verdict = prove(good(built(50)), way)
    assert isinstance(verdict, Passed)
    stripped = ("active health checks", "ports of listeners")
    assert verdict.replaced == (stripped if way == "stripped" else ())


def bad_regex(table: RouteConfiguration) -> None:
    table.virtual_hosts[0].routes[20].match.safe_regex.regex = "([a"


def test_a_bad_route_is_found_among_many_and_shown_at_its_line(way: str) -> None:
    whole = built(30)
    verdict = prove(damaged(good(whole), ROUTES, bad_regex), way)
    assert isinstance(verdict, Refused)
    (cause,) = verdict.causes
    assert (len(cause.certain), cause.among) == (1, ())
    (mistake,) = mistakes(verdict, whole.provenance, Place("gateway.yaml", 1, 1))
    line = whole.sources[0].data.decode().splitlines()[mistake.place.line - 1]
    assert line.startswith("  - {path: /p")
    table = RouteConfiguration.FromString(next(iter(good(whole).of(ROUTES).values())).body)
    assert cause.certain[0].part.endswith("/" + table.virtual_hosts[0].routes[20].name)
    assert mistake.message.startswith("Envoy refuses this route: ")
    assert mistake.message.endswith("missing ]: [a")


def test_a_route_to_a_cluster_that_is_not_there_is_refused(way: str) -> None:
    def gone(table: RouteConfiguration) -> None:
        table.virtual_hosts[0].routes[1].route.cluster = "gone"

    (cause,) = causes(damaged(good(built(3)), ROUTES, gone), way)
    assert len(cause.certain) == 1
    assert "unknown cluster 'gone'" in cause.words


def short_of_time(cluster: Cluster) -> None:
    cluster.connect_timeout.nanos = -1


def test_a_bad_cluster_is_found(way: str) -> None:
    (cause,) = causes(damaged(good(built(5)), CLUSTER, short_of_time, "b3"), way)
    assert cause.certain == (Subject(CLUSTER, "b3"),)


def test_bad_endpoints_are_their_clusters(way: str) -> None:
    def nowhere(endpoints: ClusterLoadAssignment) -> None:
        where = endpoints.endpoints.add().lb_endpoints.add().endpoint.address.socket_address
        where.address, where.port_value = "no address", 80

    (cause,) = causes(damaged(good(built(5)), ENDPOINTS, nowhere, "b2"), way)
    assert cause.certain == (Subject(CLUSTER, "b2"),)


def test_a_bad_listener_is_found(way: str) -> None:
    def bad(listener: Listener) -> None:
        listener.filter_chains.add().filters.add(name="no such filter")

    (cause,) = causes(damaged(good(built(3)), LISTENER, bad), way)
    assert [one.type_url for one in cause.certain] == [LISTENER]


def test_two_hosts_that_exclude_each_other_are_both_named(way: str) -> None:
    def twice(table: RouteConfiguration) -> None:
        table.virtual_hosts.add(name="again", domains=["*"])

    (cause,) = causes(damaged(good(built(3)), ROUTES, twice), way)
    assert len(cause.certain) == 2
    assert cause.certain[1].part == "again"


def test_all_that_is_bad_is_found_at_once(way: str) -> None:
    def bad(table: RouteConfiguration) -> None:
        routes = table.virtual_hosts[0].routes
        routes[3].match.safe_regex.regex = "([a"
        routes[7].route.cluster = "gone"
        table.virtual_hosts.add(name="again", domains=["*"])

    def chainless(listener: Listener) -> None:
        listener.filter_chains.add().filters.add(name="no such filter")

    whole = built(12)
    worse = damaged(good(whole), CLUSTER, short_of_time, "b3")
    worse = damaged(damaged(worse, CLUSTER, short_of_time, "b5"), LISTENER, chainless)
    worse = damaged(worse, ROUTES, bad)
    verdict = prove(worse, way)
    assert isinstance(verdict, Refused)
    found = {cause.certain for cause in verdict.causes}
    assert {(Subject(CLUSTER, "b3"),), (Subject(CLUSTER, "b5"),)} <= found
    kinds = sorted((one[0].type_url == LISTENER, len(one)) for one in found)
    assert kinds == [(False, 1), (False, 1), (False, 1), (False, 1), (False, 2), (True, 1)]
    assert verdict.complete
    assert len(mistakes(verdict, whole.provenance, Place("gateway.yaml", 1, 1))) == 6


def test_a_verdict_is_not_asked_for_twice(tmp_path: Path) -> None:
    """The second gate has the same Envoy by name, whose every proof would fail."""
    snapshot = good(built(1))
    assert isinstance(prove(snapshot, folder=tmp_path), Passed)
    stingy = Gate(envoy=envoy().path, folder=tmp_path, bounds=Bounds(seconds=0))
    assert isinstance(asyncio.run(stingy.prove(snapshot)), Passed)
    (tmp_path / NAME).unlink()
    anew = Gate(envoy=envoy().path, folder=tmp_path, bounds=Bounds(seconds=0, seconds_per_unit=0))
    assert isinstance(asyncio.run(anew.prove(snapshot)), Unproved)


def test_too_little_memory_is_no_verdict() -> None:
    gate = Gate(envoy=envoy().path, bounds=Bounds(seconds=60, memory=1 << 20))
    assert isinstance(asyncio.run(gate.prove(good(built(1)))), Unproved)


@pytest.mark.parametrize("program", [None, Path("/nowhere/envoy"), Path("/dev/null")])
def test_no_envoy_is_no_verdict(program: Path | None) -> None:
    assert isinstance(asyncio.run(Gate(envoy=program).prove(good(built(1)))), Unproved)


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """A program that has a version, and else tells its process id and never ends."""
    path = tmp_path / "stuck"
    path.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --version ]; then echo "version: stuck"; exit; fi\n'
        f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid\n"
        "exec sleep 600\n"
    )
    path.chmod(0o755)
    return path


def test_a_run_without_an_answer_ends_in_time_and_leaves_nothing(stuck: Path) -> None:
    gate = Gate(envoy=stuck, bounds=Bounds(seconds=0.5, seconds_per_unit=0))
    assert asyncio.run(gate.prove(good(built(1)))) == Unproved(
        reason="Envoy gave no answer within 0.5 s"
    )
    assert not alive(int((stuck.parent / "pid").read_text()))


def test_a_crash_that_does_not_come_again_accuses_nobody(tmp_path: Path) -> None:
    """A program that crashes when it is first asked, and then is the real Envoy."""
    flaky = tmp_path / "flaky"
    flaky.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = --version ] || [ -e {tmp_path}/asked ] && exec {envoy().path} "$@"\n'
        f"touch {tmp_path}/asked; echo Caught Segmentation fault; kill -SEGV $$\n"
    )
    flaky.chmod(0o755)
    gate = Gate(envoy=flaky, bounds=PATIENT)
    assert isinstance(asyncio.run(gate.prove(good(built(1)))), Passed)
    assert (tmp_path / "asked").exists()


def test_a_cancelled_proof_leaves_nothing(stuck: Path) -> None:
    async def cancelled() -> None:
        gate = Gate(envoy=stuck, bounds=PATIENT)
        task = asyncio.create_task(gate.prove(good(built(1))))
        async with asyncio.timeout(30):
            while not (stuck.parent / "pid").exists():  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not alive(int((stuck.parent / "pid").read_text()))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
