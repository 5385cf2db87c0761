"""Two real Envoys and versions that are proved for neither: what one refuses, one has seen."""

import asyncio
from pathlib import Path

import pytest

from controlplane.xds.server import Server
from tests.controlplane.xds.envoy_fleet import DEADLINE, backend, get, running, static_cluster
from tests.controlplane.xds.test_xds_envoy import gateway

COUNTERS = "cluster_manager.cds"


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
def test_what_one_refuses_the_other_never_sees(tmp_path: Path, *, delta: bool) -> None:
    async def whole() -> None:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
            (folder / "xds.sock").symlink_to(tmp_path / "xds.sock")
        async with (
            backend("a") as a,
            backend("b") as b,
            Server(f"unix:{tmp_path}/xds.sock") as server,
            running(folders[0], delta=delta) as one,
            running(folders[1], delta=delta) as two,
        ):
            first = gateway("a", a)
            server.publish(first, proved="")
            assert (await server.settled(first.version, within=DEADLINE, nodes=2)).state == "live"
            bad = gateway("a", a, static_cluster("bad", "not-an-address"))
            server.publish(bad, proved="")
            assert (await server.settled(bad.version, within=DEADLINE)).state == "rejected"
            server.publish(first)
            assert (await server.settled(first.version, within=DEADLINE)).state == "live"
            refused = [await envoy.stat(f"{COUNTERS}.update_rejected") for envoy in (one, two)]
            assert sorted(refused) == [0, 1]
            second = gateway("b", b)
            server.publish(second, proved="")
            assert (await server.settled(second.version, within=DEADLINE)).state == "live"
            assert [await get(await envoy.port()) for envoy in (one, two)] == ["b", "b"]

    asyncio.run(whole())
