"""What is ours and in no specification: when a node is live, what is served, what is loaded."""

import subprocess
import sys

from tests.controlplane.xds.ads_transcript import TYPES, delta, sotw


def test_a_node_is_live_when_it_acked_all_that_an_envoy_asks_for() -> None:
    starting = """
        == CDS c=1 LDS l=1 RDS r=1
        >> CDS
        << CDS c=1
        >> CDS ack
    """
    assert delta(starting).state == "waiting"
    asked = f"""{starting}
        >> LDS
        << LDS l=1
        >> LDS ack
        >> RDS +r
        << RDS r=1
    """
    assert delta(asked).state == "waiting"
    assert delta(f"{asked}\n>> RDS ack").state == "live"
    rejected = f"{asked}\n>> RDS nack\n<< nacked RDS why"
    assert delta(rejected).state == "rejected"


def test_every_type_of_the_order_is_served() -> None:
    for kind in TYPES:
        for play in (sotw, delta):
            play(f"""
                == {kind} a=1
                >> {kind} a
                << {kind} a=1
            """)


def test_the_state_machines_load_no_transport() -> None:
    code = "import sys, controlplane.xds.stream; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not {"asyncio", "grpc", "structlog"} & set(done.stdout.split())
