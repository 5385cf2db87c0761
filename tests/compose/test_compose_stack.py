"""The stack of `docker-compose.yml`, run: first the parts that need no other, then all of it."""

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from foregate.main import COMMANDS
from tests.compose.services import services
from tests.compose.stack import Stack, running
from tests.compose.test_compose_files import EXAMPLE

pytestmark = pytest.mark.xdist_group("compose")

NEEDED = {"controlplane", "extauthz", "ratelimit"}
# Turns itself on: these commands are being written, and the stack cannot run without them.
complete = pytest.mark.skipif(
    not set(COMMANDS) >= NEEDED, reason=f"no command yet: {sorted(NEEDED - set(COMMANDS))}"
)


def nothing_runs(folder: Path) -> Stack:
    ports = {"8080": "1", "9101": "2", "9901": "3"}
    return Stack(folder=folder, found=services(), ports=ports)


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("unix:/run/foregate/xds.sock", "unix:/f/run/xds.sock"),
        ("unix:///run/foregate/redis.sock", "unix:///f/run/redis.sock"),
        ("/etc/foregate/gateway.yaml", "/f/redis/etc-foregate/gateway.yaml"),
        ("/state", "/f/redis/state"),
        ("/tmp", "/f/redis/tmp"),  # noqa: S108 # a text
        ("/status /estate /state-of /a/tmp", "/status /estate /state-of /a/tmp"),
        ("http://upstream:9101/healthz", "http://127.0.0.1:2/healthz"),
        ("demo=0.0.0.0:9101", "demo=127.0.0.1:2"),
        ("listen: {http: 8080}", "listen: {http: 1}"),
        ("18080 256mb sha256:8080a", "18080 256mb sha256:8080a"),
    ],
)
def test_what_a_container_would_give_is_replaced(text: str, here: str) -> None:
    assert nothing_runs(Path("/f")).here("redis", text) == here


def test_the_parts_that_need_no_other_run_by_their_own_commands() -> None:
    with running("redis", "upstream") as stack:
        assert (stack.folder / "run" / "redis.sock").is_socket()
        answer = httpx.get(f"http://127.0.0.1:{stack.ports['9101']}/x").json()
        assert (answer["backend"], answer["path"]) == ("demo", "/x")
        stack.processes["redis"].end(signal.SIGKILL)
        assert not stack.healthy("redis")
        stack.start("redis")
        assert stack.healthy("redis")
    assert not stack.folder.exists()


def test_envoy_takes_its_command_and_its_bootstrap() -> None:
    with running("upstream") as stack:
        words = stack.prepared("envoy").words
        done = subprocess.run(
            [*words, "--mode", "validate"], check=False, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running() as made:
        yield made


def keys() -> dict[str, str]:
    return dict(re.findall(r"^#   (\w+)  (fg_\w+)", EXAMPLE.read_text(), re.MULTILINE))


@complete
def test_who_may_pass(stack: Stack) -> None:
    reader, writer = keys()["reader"], keys()["writer"]
    with httpx.Client(base_url=stack.base, timeout=10) as http:
        assert http.get("/status").text == "all is well\n"
        none = http.get("/orders/1")
        assert none.status_code == 401
        assert none.headers["content-type"] == "application/problem+json"
        assert http.get("/orders/1", headers={"x-api-key": reader[:-1]}).status_code == 401
        read = http.get("/orders/1", headers={"x-api-key": reader})
        assert read.status_code == 200
        assert read.json()["headers"]["x-foregate-consumer"] == "reader"
        assert "x-api-key" not in read.json()["headers"]
        assert http.post("/orders", headers={"x-api-key": reader}).status_code == 403
        assert http.post("/orders", headers={"x-api-key": writer}).status_code == 200
        assert http.get("/old/1").headers["location"].endswith("/orders/1")


@complete
def test_how_much_may_pass(stack: Stack) -> None:
    with httpx.Client(base_url=stack.base, timeout=10) as http:
        reader = {"x-api-key": keys()["reader"]}
        said = [http.get("/reports/1", headers=reader).status_code for _ in range(4)]
        assert said == [200, 200, 200, 429]
        # The other consumer has a count of its own, and the counters are in Redis.
        writer = {"x-api-key": keys()["writer"]}
        assert http.get("/reports/1", headers=writer).status_code == 200


@complete
def test_it_goes_on_serving_while_the_control_plane_is_away(stack: Stack) -> None:
    writer = {"x-api-key": keys()["writer"]}
    stack.processes["controlplane"].end(signal.SIGKILL)
    assert httpx.get(f"{stack.base}/orders/1", headers=writer, timeout=10).status_code == 200
    assert httpx.get(f"{stack.base}/orders/1", timeout=10).status_code == 401
    stack.start("controlplane")
    assert httpx.get(f"{stack.base}/orders/1", headers=writer, timeout=10).status_code == 200
