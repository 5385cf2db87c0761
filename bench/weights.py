"""Weights: how near 90/10 comes to its percentages over many requests, in a real Envoy."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.envoys import upstream
from bench.load import loaded
from bench.running import dev, free_port

REQUESTS = 100_000

GATEWAY = """\
version: 1
listen: {{http: "127.0.0.1:{port}"}}
defaults: {{auth: none}}
backends:
  most: http://127.0.0.1:{most}
  some: http://127.0.0.1:{some}
routes:
  - {{path: /, to: {{most: 90, some: 10}}}}
"""


def lines() -> Iterator[str]:
    """The measurement in words; by chance one of 600 is out of 9.7 to 10.3."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        ports = {body: stack.enter_context(upstream(folder, body)) for body in ("most", "some")}
        port = free_port()
        file = folder / "gateway.yaml"
        file.write_text(GATEWAY.format(port=port, **ports))
        stack.enter_context(dev(file, f"http://127.0.0.1:{port}/"))
        with loaded(port, "most", "some") as load:
            load.until("requests", lambda book: sum(book.bodies.values()) >= REQUESTS, within=300)
            book = load.end()
    share = 100 * book.bodies["some"] / sum(book.bodies.values())
    yield f"90/10: {share:.2f} % went to the 10; {book.told}; goal 9.7 to 10.3"
