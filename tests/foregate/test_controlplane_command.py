"""`foregate controlplane` as an operator types it, and its server without the files it is for."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build, Options, build
from controlplane.rollout.recorder import recorder
from controlplane.snapshot import CLUSTER, ROUTES
from controlplane.sources import SourceFile
from foregate.commands import controlplane
from foregate.headless import ControlOptions, run, sourceless
from tests.controlplane.rollout.published import Node
from tests.controlplane.xds.delta_client import connected
from tests.foregate.applying.world import Kept


def gateway(path: str, does: str = "respond: {status: 200}") -> str:
    return f"version: 1\nroutes: [{{path: {path}, auth: none, {does}}}]\n"


def built(text: str) -> Build:
    return build((SourceFile(name="gateway.yaml", data=text.encode()),), Options())


KEPT = built("backends: {a: 'http://127.0.0.1:9'}\n" + gateway("/kept", "to: a"))
"""What has a backend, which what comes back has not: the brake would hold that."""

BACK = built(gateway("/back"))


def options(folder: Path, kept: Kept | None) -> ControlOptions:
    """A server on a socket, for a file in a folder that does not exist."""
    return ControlOptions(
        path=folder / "later" / "gateway.yaml",
        listen=f"unix:{folder}/xds.sock",
        admin="",
        envoy=folder / "no-envoy",
        state=None,
        trust_store="",
        recorder=recorder(kept.folder if kept else None),
    )


@pytest.mark.parametrize(
    ("words", "env", "allowed"),
    [
        ((), {}, False),
        (("--allow-removal",), {}, True),
        ((), {"FOREGATE_ALLOW_REMOVAL": "1"}, True),
        ((), {"FOREGATE_ALLOW_REMOVAL": "true"}, True),
        ((), {"FOREGATE_ALLOW_REMOVAL": "0"}, False),
        ((), {"FOREGATE_ALLOW_REMOVAL": ""}, False),
    ],
)
def test_the_brake_is_let_go_by_a_flag_or_a_variable(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    env: dict[str, str],
    *,
    allowed: bool,
) -> None:
    found: list[ControlOptions] = []

    async def begun(given: ControlOptions) -> int:
        found.append(given)
        return 0

    monkeypatch.setattr(controlplane, "run", begun)
    monkeypatch.setattr(controlplane, "configure", lambda _: None)
    clean: dict[str, str | None] = {"FOREGATE_ALLOW_REMOVAL": None}
    said = CliRunner().invoke(controlplane.command, [*words, str(tmp_path)], env=clean | env)
    assert said.exit_code == 0, said.output
    assert [one.allow_removal for one in found] == [allowed]


def test_a_wrong_name_is_told_where_no_last_good_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controlplane, "configure", lambda _: None)
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(controlplane.command, ["gone.yaml"])
    assert said.exit_code == 1
    assert "gone.yaml does not exist: name a gateway file or its folder" in said.stderr


def test_what_can_be_served_needs_no_files(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("")
    cases = [
        (None, True),
        (Kept(tmp_path / "empty"), True),
        (Kept(broken), True),
        (Kept(tmp_path / "state").put(KEPT), False),
    ]
    for kept, nothing in cases:
        assert sourceless(options(tmp_path, kept)) is nothing
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "gateway.yaml").write_text("")
    assert not sourceless(options(tmp_path, None))


def test_a_server_without_files_serves_the_last_good_until_they_are_back(tmp_path: Path) -> None:
    def paths(node: Node) -> set[str]:
        tables = node.held.get(ROUTES, {}).values()
        hosts = [h for body in tables for h in RouteConfiguration.FromString(body).virtual_hosts]
        return {r.match.path for h in hosts for r in h.routes if r.name.startswith("r-")}

    kept = Kept(tmp_path / "state").put(KEPT)
    back = BACK.snapshot
    assert back is not None

    async def play(given: ControlOptions) -> None:
        serving = asyncio.create_task(run(given))
        async with asyncio.timeout(30):
            while not (tmp_path / "xds.sock").exists():  # noqa: ASYNC110 # it tells nobody
                await asyncio.sleep(0.01)
            await served(tmp_path / "xds.sock")
            async with connected(tmp_path / "xds.sock", "", "envoy") as client:
                node = Node(client)
                node.go.set()
                running = asyncio.create_task(node.run())
                await node.until(lambda: paths(node) == {"/kept"})
                given.path.parent.mkdir()
                given.path.write_text(gateway("/back"))
                await node.until(lambda: paths(node) == {"/back"})
                while kept.version != back.version:  # noqa: ASYNC110 # as above
                    await asyncio.sleep(0.01)
                running.cancel()
                await asyncio.wait([running])
            os.kill(os.getpid(), signal.SIGTERM)
            assert await serving == 0

    asyncio.run(play(replace(options(tmp_path, kept), allow_removal=True)))


async def served(socket: Path) -> None:
    """Come again, as real clients do, until there is something to serve."""
    while True:
        try:
            async with connected(socket, "", "envoy") as client:
                await client.ask(CLUSTER)
                await client.answer()
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.01)
        else:
            return
