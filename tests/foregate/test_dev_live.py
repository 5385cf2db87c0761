"""`foregate dev` with real children: live, following, mending, and always a clean end."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.foregate.dev_processes import Dev, backend_of, dev, free_port, gateway, get, gone

FILE = "gateway.yaml"


def left_over(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir() if one.name.startswith("foregate-")]


async def ended(running: Dev, folder: Path, how: signal.Signals, code: int) -> None:
    children = running.children()
    running.process.send_signal(how)
    assert await running.ends() == code
    for pid in children.values():
        await gone(pid)
    assert left_over(folder) == []


def test_a_file_is_live_follows_saves_and_survives_mistakes(tmp_path: Path) -> None:
    port, upstream = free_port(), free_port()
    file = tmp_path / FILE
    file.write_text(gateway(port, upstream))

    async def play() -> None:
        async with dev(tmp_path) as running:
            await running.says(f"http://127.0.0.1:{port} is live")
            first = await running.says("curl http")
            assert first.strip() == f"curl http://127.0.0.1:{port}/a"
            await running.says("demo upstream answers for first")
            await running.says("Ctrl-C")
            assert await backend_of(port, "/a") == "first"

            file.write_text(gateway(port, upstream, path="/b", name="second"))
            await running.says("live in")
            assert await backend_of(port, "/b") == "second"
            assert (await get(port, "/a"))[0] == 404

            file.write_text(gateway(port, upstream, path="nowhere"))
            await running.says(f"{FILE}:6:11: error: a path starts with '/'")
            await running.says("still serving the version of")
            assert await backend_of(port, "/b") == "second"

            file.unlink()
            await running.says("there is no such file")
            await running.says("still serving the version of")
            assert await backend_of(port, "/b") == "second"

            file.write_text(gateway(port, upstream, path="/c"))
            await running.says("live in")
            assert await backend_of(port, "/c") == "first"
            await ended(running, tmp_path, signal.SIGINT, 0)

    asyncio.run(play())


def test_a_file_that_is_bad_at_first_goes_live_when_it_is_mended(tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / FILE
    file.write_text("version: 1\nroutes: []\n")

    async def play() -> None:
        async with dev(tmp_path) as running:
            await running.says("nothing is served yet: mend this and save")
            file.write_text(gateway(port, free_port()))
            await running.says(f"http://127.0.0.1:{port} is live")
            await running.says("Ctrl-C")
            assert await backend_of(port, "/a") == "first"
            await ended(running, tmp_path, signal.SIGTERM, 0)

    asyncio.run(play())


def test_children_that_crash_are_started_again(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / FILE).write_text(gateway(port, free_port()))

    async def play() -> None:
        async with dev(tmp_path) as running:
            await running.says("Ctrl-C")
            children = running.children()
            assert sorted(children) == ["envoy", "upstream"]
            os.kill(children["envoy"], signal.SIGSEGV)
            await running.says("Envoy was ended by SIGSEGV; starting it again")
            await running.says("Envoy is back")
            os.kill(running.children()["upstream"], signal.SIGKILL)
            await running.says("demo upstream was ended by SIGKILL; starting it again")
            await running.says("demo upstream is back")
            async with asyncio.timeout(30):
                while not await serves(port):  # noqa: ASYNC110 - another process has no event
                    await asyncio.sleep(0.02)
            await ended(running, tmp_path, signal.SIGINT, 0)

    async def serves(port: int) -> bool:
        try:
            return (await get(port, "/a"))[0] == 200
        except (OSError, IndexError):
            return False

    asyncio.run(play())


def test_killed_it_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(gateway(free_port(), free_port()))

    async def play() -> None:
        async with dev(tmp_path) as running:
            await running.says("Ctrl-C")
            children = running.children()
            assert len(children) == 2
            running.process.kill()
            for pid in children.values():
                await gone(pid)

    asyncio.run(play())


def test_a_second_start_says_that_the_port_is_in_use(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / FILE).write_text(gateway(port, free_port()))

    async def play() -> None:
        async with dev(tmp_path) as first:
            await first.says("Ctrl-C")
            async with dev(tmp_path) as second:
                assert await second.ends() == 1
                assert f"port {port} on 127.0.0.1 is in use" in second.text
                assert "another `foregate dev`" in second.text
            assert await backend_of(port, "/a") == "first"

    asyncio.run(play())


def test_a_port_that_is_taken_while_running_is_a_mistake_at_its_line(tmp_path: Path) -> None:
    port, upstream = free_port(), free_port()
    file = tmp_path / FILE
    file.write_text(gateway(port, upstream))

    async def play() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            async with dev(tmp_path) as running:
                await running.says("Ctrl-C")
                file.write_text(gateway(taken.getsockname()[1], upstream))
                await running.says(f"{FILE}:2:", "is in use")
                await running.says("still serving the version of")
                assert await backend_of(port, "/a") == "first"

    asyncio.run(play())


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["gone.yaml"], {}, "there is no such file"),
        (["--to", "ftp://x"], {}, "ftp is not a scheme"),
        ([FILE], {"FOREGATE_ENVOY": "/nowhere/envoy"}, "Envoy is missing"),
        ([FILE], {"FOREGATE_ENVOY": "/bin/false"}, "Envoy ended with exit code 1: giving up"),
    ],
)
def test_what_cannot_start_says_why_and_ends(
    tmp_path: Path, arguments: list[str], environ: dict[str, str], words: str
) -> None:
    (tmp_path / FILE).write_text(gateway(free_port(), free_port()))

    async def play() -> None:
        async with dev(tmp_path, *arguments, environ=environ) as running:
            assert await running.ends() == 1
            assert words in running.text
            assert "Traceback" not in running.text
        assert left_over(tmp_path) == []

    asyncio.run(play())
