"""The Envoy of `dev`: how it is started, when it answers."""

import asyncio
from importlib.resources import files
from pathlib import Path

from controlplane.bootstrap import Node, for_node
from foregate.dev import ports
from foregate.dev.supervise import ChildFailedError, Process, Program

NAME = "Envoy"
NODE = "dev"
ADMIN = ("127.0.0.1", 9901)
CONCURRENCY = "2"
POLL = 0.02


def template() -> str:
    """Read the generated bootstrap: from the installed package, or from the tree we run in."""
    packaged = files("foregate") / "data" / "bootstrap.json"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    tree = Path(__file__).resolve().parents[2]
    return (tree / "envoy" / "bootstrap.json").read_text(encoding="utf-8")


def program(envoy: Path, folder: Path, socket: Path, *, anywhere: bool = False) -> Program:
    """Write the bootstrap into the run folder and give the command. Blocks for one small file.

    The admin page is at its usual port if that is free now; `anywhere` does not even try.
    """
    host, port = ADMIN
    admin = f"{host}:{0 if anywhere or ports.why_not(host, port) else port}"
    bootstrap = folder / "bootstrap.json"
    node = Node(id=NODE, cluster="foregate", xds=str(socket), admin=admin)
    bootstrap.write_text(for_node(template(), node), encoding="utf-8")
    return Program(
        name=NAME,
        command=(
            *(str(envoy), "--config-path", str(bootstrap), "--log-level", "warning"),
            *("--concurrency", CONCURRENCY, "--disable-hot-restart"),
            *("--admin-address-path", str(_admin_file(folder))),
        ),
        log=folder / "envoy.log",
    )


def lost_its_port(failed: ChildFailedError) -> bool:
    """Whether Envoy ended because another program was faster at the port of the admin page."""
    return any(f"cannot bind '{ADMIN[0]}:{ADMIN[1]}'" in line for line in failed.words)


async def answers(folder: Path, _process: Process) -> None:
    """Wait until Envoy's admin page can be reached; the file may be of an Envoy that crashed."""
    while True:
        host, _, port = admin_address(folder).rpartition(":")
        if port and await _connects(host, int(port)):
            return
        await asyncio.sleep(POLL)


def admin_address(folder: Path) -> str:
    """Give the address of the admin page, empty as long as there is none."""
    try:
        return _admin_file(folder).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _admin_file(folder: Path) -> Path:
    return folder / "admin.txt"


async def accepts(host: str, port: int, seconds: float) -> bool:
    """Wait until a listener takes connections: its workers open it just after Envoy's ACK."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    try:
        async with asyncio.timeout(seconds):
            while True:
                if await _connects(reachable, port):
                    return True
                await asyncio.sleep(POLL)
    except TimeoutError:
        return False


async def _connects(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
