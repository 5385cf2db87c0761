"""The cases that the README shows as its routing table, each through a real Envoy."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.process import Process, foregate, free_port
from tests.e2e.upstream import Upstream
from tools.routing import Asked, Case, cases

NAMES = ("first", "second", "third", "fourth")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a gateway that serves every case, each from a file of its own."""
    folder = tmp_path_factory.mktemp("cases")
    port = free_port()
    upstreams = [Upstream(name) for name in NAMES]
    backends = "".join(f"  {one.name}: http://127.0.0.1:{one.port}\n" for one in upstreams)
    head = f"version: 1\nlisten: {{http: {port}}}\nbackends:\n{backends}"
    (folder / "gateway.yaml").write_text(head)
    for case in cases():
        (folder / f"{case.name}.yaml").write_text(case.source)
    process = Process(foregate("dev", str(folder)), folder)
    process.wait_for("is live")
    yield f"http://127.0.0.1:{port}"
    for one in upstreams:
        one.end()
    assert process.end() == 0, "\n".join(process.lines)


@pytest.mark.parametrize(
    ("case", "asked"),
    [pytest.param(c, a, id=f"{c.name}: {a.shown}") for c in cases() for a in c.asked],
)
def test_who_answers(base: str, case: Case, asked: Asked) -> None:
    named = any(name == "host" for name, _ in asked.headers)
    host = () if named else (("host", case.hosts[0]),)
    answer = httpx.request(asked.method, base + asked.target, headers=[*host, *asked.headers])
    by = answer.json()["upstream"] if answer.status_code == 200 else str(answer.status_code)
    assert by == asked.answered
