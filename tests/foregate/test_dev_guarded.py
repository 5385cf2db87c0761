"""`foregate dev` on a guarded gateway: both services, the demo issuer, and Redis if it is asked."""

import asyncio
import signal
from pathlib import Path

from tests.e2e.process import Process
from tests.foregate.dev_processes import dev, free_port, gone, status
from tools.parts import command

GUARDED = """\
version: 1
listen: {http: @port@}
identities:
  idp: {issuer: "http://127.0.0.1:@issuer@", audience: shop}
routes:
  - path: /open
    auth: none
    respond: {status: 200}
  - path: /guarded
    auth: {anyOf: [idp], scopes: [read]}
    to: things
    limits: [{per: user, rate: 1/h, burst: 2}]
backends: {things: "http://127.0.0.1:@things@"}
"""


def guarded(port: int) -> str:
    text = GUARDED.replace("@port@", str(port)).replace("@issuer@", str(free_port()))
    return text.replace("@things@", str(free_port()))


def test_it_prints_a_token_that_passes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "gateway.yaml").write_text(guarded(port))

    async def play() -> None:
        async with dev(tmp_path) as running:
            token = (await running.says("token=")).strip().removeprefix("token=")
            line = await running.says("/guarded")
            assert line.strip().startswith('curl -H "authorization: Bearer $token"')
            await running.says("Ctrl-C")
            assert await status(port, "/guarded") == 401
            bearer = {"authorization": f"Bearer {token}"}
            said = [await status(port, "/guarded", bearer) for _ in range(3)]
            assert said == [200, 200, 429]
            children = running.children()
            assert {"extauthz", "ratelimit", "issuer", "upstream"} <= set(children)
            running.process.send_signal(signal.SIGINT)
            assert await running.ends() == 0
            for pid in children.values():
                await gone(pid)
            assert token not in "".join(running.text.split("token=", 1)[1].split("\n", 1)[1:])

    asyncio.run(play())


def test_it_counts_in_the_redis_that_it_is_given(tmp_path: Path) -> None:
    port, redis = free_port(), free_port()
    (tmp_path / "gateway.yaml").write_text(guarded(port))
    words = [*command("redis-server"), "--port", str(redis), "--save", "", "--bind", "127.0.0.1"]
    server = Process(words, tmp_path)
    server.wait_for("Ready to accept")

    async def once(expected: list[int]) -> None:
        async with dev(tmp_path, "--redis", f"redis://127.0.0.1:{redis}") as running:
            token = (await running.says("token=")).strip().removeprefix("token=")
            await running.says("Ctrl-C")
            bearer = {"authorization": f"Bearer {token}"}
            assert [await status(port, "/guarded", bearer) for _ in range(2)] == expected
            running.process.send_signal(signal.SIGINT)
            assert await running.ends() == 0

    asyncio.run(once([200, 200]))
    asyncio.run(once([429, 429]))  # it outlives the run
    assert server.end() == 0


def test_without_a_guarded_route_no_service_is_started(tmp_path: Path) -> None:
    port = free_port()
    text = f"version: 1\nlisten: {{http: {port}}}\nroutes:\n  - path: /open\n    auth: none\n"
    (tmp_path / "gateway.yaml").write_text(text + "    respond: {status: 200}\n")

    async def play() -> None:
        async with dev(tmp_path) as running:
            await running.says("Ctrl-C")
            assert await status(port, "/open") == 200
            assert not {"extauthz", "ratelimit"} & set(running.children())
            (tmp_path / "gateway.yaml").write_text(guarded(port))  # now it needs them
            await running.says("live in")
            assert await status(port, "/guarded") == 401
            assert {"extauthz", "ratelimit"} <= set(running.children())

    asyncio.run(play())
