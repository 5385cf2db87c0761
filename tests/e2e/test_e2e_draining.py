"""What is under way when its backend leaves: it is finished, and no other request is lost."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.e2e.process import Process, foregate, free_port
from tests.e2e.streaming import Streaming

TEXT = """\
version: 1
listen: {{http: "127.0.0.1:{port}"}}
defaults: {{auth: none}}
backends:
{backends}
routes:
  - {{path: /held, timeout: none, to: {to}}}
  - {{path: /marker, respond: {{status: 200, body: "{number}"}}}}
"""


@pytest.fixture
def old() -> Iterator[Streaming]:
    made = Streaming("old")
    yield made
    made.end()


@pytest.fixture
def new() -> Iterator[Streaming]:
    made = Streaming("new")
    made.let_go.set()
    yield made
    made.end()


HEALTH = "health: {path: /healthy, every: 100ms, timeout: 1s}"


def until(holds: Callable[[], bool], seconds: float = 40) -> None:
    """Wait for what nothing tells: Envoy's list of its endpoints."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


CHANGES = {
    "the backend": ("  a: http://127.0.0.1:{old}", "  b: http://127.0.0.1:{new}"),
    "an endpoint": (
        "  a: {{endpoints: [127.0.0.1:{old}, 127.0.0.1:{new}]}}",
        "  a: {{endpoints: [127.0.0.1:{new}]}}",
    ),
    "an endpoint that is checked": (
        "  a: {{endpoints: [127.0.0.1:{old}, 127.0.0.1:{new}], HEALTH}}",
        "  a: {{endpoints: [127.0.0.1:{new}], HEALTH}}",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_request_that_is_under_way_is_finished(
    old: Streaming, new: Streaming, tmp_path: Path, what: str
) -> None:
    before, after = CHANGES[what]
    port = free_port()
    file = tmp_path / "gateway.yaml"

    def save(backends: str, to: str, number: int) -> None:
        written = backends.format(old=old.port, new=new.port).replace("HEALTH", HEALTH)
        text = TEXT.format(port=port, backends=written, to=to, number=number)
        other = tmp_path / "other"
        other.write_text(text)
        other.replace(file)

    save(before, "a", 1)
    process = Process(foregate("dev", str(file)), tmp_path)
    try:
        process.wait_for("is live")
        admin = re.findall(r"http://[0-9.:]+", process.wait_for("admin page"))[0]
        base = f"http://127.0.0.1:{port}"
        with ThreadPoolExecutor(8) as threads, httpx.Client(base_url=base, timeout=30) as client:
            under_way = [threads.submit(httpx.get, f"{base}/held", timeout=60) for _ in range(8)]
            assert old.holding.wait(20)
            save(after, "b" if "  b:" in after else "a", 2)
            process.wait_for("live in")
            gone = f"127.0.0.1:{old.port}"
            until(lambda: gone not in httpx.get(f"{admin}/clusters").text)
            # whoever comes now goes to the new one alone
            assert [client.get("/held").status_code for _ in range(20)] == [200] * 20
            assert not any(one.done() and one.result().status_code != 200 for one in under_way)
            old.let_go.set()
            answers = [one.result() for one in under_way]
            assert {(one.status_code, one.text) for one in answers} == {(200, "held")}
    finally:
        old.let_go.set()
        assert process.end() == 0, "\n".join(process.lines)
