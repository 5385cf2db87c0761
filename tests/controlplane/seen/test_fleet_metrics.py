"""The metrics of the fleet: what is counted, that labels stay few, and that Prometheus takes it."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from controlplane.seen.fleet import NodeView
from controlplane.seen.metrics import OTHER, TYPES, FleetMetrics
from controlplane.seen.page import STATES
from controlplane.snapshot import CLUSTER, ROUTES
from protos import PIPELINE
from tests.controlplane.seen.fleets import FLEET, LIVE, REJECTING
from tools.parts import command


class Seen:
    """Metrics in a registry of their own, over a fleet that can be changed."""

    def __init__(self, *nodes: NodeView) -> None:
        self.nodes: Sequence[NodeView] = nodes
        self.registry = CollectorRegistry()
        self.metrics = FleetMetrics(self.registry, lambda: self.nodes)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"foregate_{name}", labels)

    def series(self) -> int:
        return sum(len(family.samples) for family in self.registry.collect())


def test_pushes_and_answers_are_counted_by_role_and_type() -> None:
    seen = Seen()
    seen.metrics.pushed("envoy", CLUSTER, 100)
    seen.metrics.pushed("envoy", CLUSTER, 23)
    seen.metrics.pushed("extauthz", PIPELINE, 7)
    seen.metrics.acked("envoy", CLUSTER)
    seen.metrics.nacked("envoy", ROUTES)
    assert seen.value("xds_pushes_total", role="envoy", type="CDS") == 2
    assert seen.value("xds_push_bytes_total", role="envoy", type="CDS") == 123
    assert seen.value("xds_push_bytes_total", role="extauthz", type="Pipeline") == 7
    assert seen.value("xds_acks_total", role="envoy", type="CDS") == 1
    assert seen.value("xds_acks_total", role="envoy", type="RDS") == 0
    assert seen.value("xds_nacks_total", role="envoy", type="RDS") == 1
    assert seen.value("xds_nacks_total", role="envoy", type="CDS") == 0


def test_streams_and_types_that_are_refused_are_counted() -> None:
    seen = Seen()
    seen.metrics.refused("busy")
    seen.metrics.unknown("ratelimit")
    assert seen.value("xds_streams_refused_total", reason="busy") == 1
    assert seen.value("xds_streams_refused_total", reason="not_ready") == 0
    assert seen.value("xds_unknown_types_total", role="ratelimit") == 1
    assert seen.value("xds_unknown_types_total", role="envoy") == 0


def test_how_long_a_save_takes() -> None:
    seen = Seen()
    for seconds in (0.02, 0.3, 45.0):
        seen.metrics.took(seconds)
    assert seen.value("save_to_last_ack_seconds_count") == 3
    assert seen.value("save_to_last_ack_seconds_bucket", le="0.025") == 1
    assert seen.value("save_to_last_ack_seconds_bucket", le="30.0") == 2
    assert seen.value("save_to_last_ack_seconds_bucket", le="60.0") == 3


def test_the_fleet_is_counted_at_each_scrape() -> None:
    seen = Seen(*FLEET)
    assert seen.value("xds_nodes", role="envoy", state="live") == 1
    assert seen.value("xds_nodes", role="envoy", state="rejected") == 1
    assert seen.value("xds_nodes", role="extauthz", state="live") == 1
    assert seen.value("xds_waiting_pushes", role="envoy") == 1
    assert seen.value("xds_queued_bytes", role="envoy") == 2048
    seen.nodes = (REJECTING, REJECTING)
    assert seen.value("xds_nodes", role="envoy", state="live") == 0
    assert seen.value("xds_nodes", role="envoy", state="rejected") == 2
    assert seen.value("xds_queued_bytes", role="envoy") == 4096


def test_all_states_are_there_before_anybody_is() -> None:
    seen = Seen()
    for role in TYPES:
        for state in STATES:
            assert seen.value("xds_nodes", role=role, state=state) == 0
        assert seen.value("xds_waiting_pushes", role=role) == 0
        assert seen.value("xds_queued_bytes", role=role) == 0


def test_one_version_is_told_and_none_before_there_is_one() -> None:
    seen = Seen()
    text = generate_latest(seen.registry).decode()
    assert "foregate_published_info{" not in text
    seen.metrics.published("one")
    seen.metrics.published("two")
    assert seen.value("published_info", version="one") is None
    assert seen.value("published_info", version="two") == 1


def test_strangers_make_no_series() -> None:
    seen = Seen()

    def ask(word: str) -> None:
        seen.metrics.pushed(word, word, 1)
        seen.metrics.acked("envoy", word)
        seen.metrics.nacked("envoy", word)
        seen.metrics.unknown(word)
        seen.nodes = (replace(LIVE, role=word),)

    ask("first")
    before = seen.series()
    for number in range(100):
        ask(f"x.{number}.CDS")
    assert seen.series() == before
    assert seen.value("xds_pushes_total", role=OTHER, type=OTHER) == 101
    assert seen.value("xds_nodes", role=OTHER, state="live") == 1


@pytest.mark.parametrize("nodes", [(), FLEET], ids=["nobody", "some"])
def test_prometheus_takes_it(nodes: tuple[NodeView, ...]) -> None:
    seen = Seen(*nodes)
    seen.metrics.published("9c41b7e05a3d2f68")
    seen.metrics.took(0.1)
    done = subprocess.run(
        [*command("promtool"), "check", "metrics"],
        input=generate_latest(seen.registry).decode(),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
