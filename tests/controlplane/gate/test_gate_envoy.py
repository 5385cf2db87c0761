"""The gate with a real Envoy: good passes, bad is refused at its line, no answer is neither."""

import asyncio
import os
from pathlib import Path

import pytest
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.gate.gate import Gate
from controlplane.gate.ledger import NAME
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed, Refused, Unproved, Verdict, mistakes
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Snapshot, Subject
from foregate.parts import envoy
from language.places import Place
from tests.controlplane.gate.gate_snapshots import built, damaged, good

PATIENT = Bounds(seconds=60)
"""A verdict is asked for here, and the machine may be busy."""


def prove(snapshot: Snapshot, folder: Path | None = None) -> Verdict:
    return asyncio.run(Gate(envoy=envoy().path, folder=folder, bounds=PATIENT).prove(snapshot))


def test_what_foregate_compiles_passes() -> None:
    assert prove(good(built(50))) == Passed()


def bad_regex(table: RouteConfiguration) -> None:
    table.virtual_hosts[0].routes[20].match.safe_regex.regex = "([a"


def test_a_bad_route_is_found_among_many_and_shown_at_its_line() -> None:
    whole = built(30)
    verdict = prove(damaged(good(whole), ROUTES, bad_regex))
    assert isinstance(verdict, Refused)
    assert (len(verdict.certain), verdict.among) == (1, ())
    (mistake,) = mistakes(verdict, whole.provenance, Place("gateway.yaml", 1, 1))
    line = whole.sources[0].data.decode().splitlines()[mistake.place.line - 1]
    assert line.startswith("  - {path: /p")
    table = RouteConfiguration.FromString(next(iter(good(whole).of(ROUTES).values())).body)
    assert verdict.certain[0].part.endswith("/" + table.virtual_hosts[0].routes[20].name)
    assert mistake.message == "Envoy refuses this route: missing ]: [a"


def test_a_route_to_a_cluster_that_is_not_there_is_refused() -> None:
    def gone(table: RouteConfiguration) -> None:
        table.virtual_hosts[0].routes[1].route.cluster = "gone"

    verdict = prove(damaged(good(built(3)), ROUTES, gone))
    assert isinstance(verdict, Refused)
    assert len(verdict.certain) == 1
    assert "unknown cluster 'gone'" in verdict.words


def test_a_bad_cluster_is_found() -> None:
    def bad(cluster: Cluster) -> None:
        cluster.connect_timeout.nanos = -1

    verdict = prove(damaged(good(built(5)), CLUSTER, bad, "b3"))
    assert isinstance(verdict, Refused)
    assert (verdict.certain, verdict.among) == ((Subject(CLUSTER, "b3"),), ())


def test_a_bad_listener_is_found() -> None:
    def bad(listener: Listener) -> None:
        listener.filter_chains.add().filters.add(name="no such filter")

    verdict = prove(damaged(good(built(3)), LISTENER, bad))
    assert isinstance(verdict, Refused)
    assert [one.type_url for one in verdict.certain] == [LISTENER]


def test_two_hosts_that_exclude_each_other_are_both_named() -> None:
    def twice(table: RouteConfiguration) -> None:
        table.virtual_hosts.add(name="again", domains=["*"])

    verdict = prove(damaged(good(built(3)), ROUTES, twice))
    assert isinstance(verdict, Refused)
    assert len(verdict.certain) == 2
    assert verdict.certain[1].part == "again"
    assert verdict.among == ()


def test_a_verdict_is_not_asked_for_twice(tmp_path: Path) -> None:
    """The second gate has the same Envoy by name, whose every proof would fail."""
    snapshot = good(built(1))
    assert prove(snapshot, tmp_path) == Passed()
    stingy = Gate(envoy=envoy().path, folder=tmp_path, bounds=Bounds(seconds=0))
    assert asyncio.run(stingy.prove(snapshot)) == Passed()
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
    assert asyncio.run(gate.prove(good(built(1)))) == Passed()
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
