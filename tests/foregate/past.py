"""The history of a small gateway, as a control plane would have left it."""

from pathlib import Path

from controlplane.build import Build, Options, build
from controlplane.history.history import History
from controlplane.history.version import KeptFile, KeptPart, NodeFate, Note
from controlplane.sources import SourceFile
from controlplane.store.store import Store
from language.mistakes import errors

NOON = 1_795_867_200.0
"""2026-11-28 12:00:00 UTC."""

GATEWAY = """version: 1
backends: {orders: "http://127.0.0.1:9000", users: "http://127.0.0.1:9001"}
"""
ORDERS = "routes: [{path: /orders, auth: none, to: orders}]\n"
USERS = "routes: [{path: /users, auth: none, to: users}]\n"


def made(*files: tuple[str, str]) -> Build:
    sources = tuple(SourceFile(name=name, data=text.encode()) for name, text in files)
    whole = build(sources, Options())
    assert not errors(whole.mistakes), whole.mistakes
    return whole


def kept(name: str, text: str) -> KeptFile:
    return KeptFile(name=name, home=name, data=text.encode(), state="current")


def past(state: Path) -> None:
    """Three versions: a first, a change of which a part and a file stayed behind, a rollback."""
    now = NOON
    store = Store(state / "xds", clock=lambda: now)
    history = History(store, clock=lambda: now)
    one = made(("gateway.yaml", GATEWAY), ("orders.yaml", ORDERS))
    files = (kept("gateway.yaml", GATEWAY), kept("orders.yaml", ORDERS))
    ada = Note(
        seen="a",
        files=files,
        author="Ada <ada@example.com>",
        commit="1f0c2ab79d5e4c3388a1b7c6d2e94f5061728394",
        proof="envoy 1.40.0",
    )
    history.record(one, ada)
    history.settle(1, "live", {n: NodeFate(state="live", at=now + 1) for n in ("edge-1", "edge-2")})
    now += 3600
    two = made(("gateway.yaml", GATEWAY), ("orders.yaml", ORDERS), ("users.yaml", USERS))
    old = KeptFile(name="orders.yaml", home="orders.yaml", data=ORDERS.encode(), state="last good")
    part = KeptPart(
        name="*/r-users",
        state="closed",
        places=("users.yaml:1:10",),
        why="regex is too large",
    )
    bob = Note(
        seen="b",
        files=(files[0], old, kept("users.yaml", USERS)),
        author="Bob <bob@example.com>",
        commit="88e1d0c4b7a69f5e2d3c1b0a99887766554433ff+dirty",
        proof="envoy 1.40.0",
        by="bob",
        lifted=("12 of 40 routes",),
        parts=(part,),
    )
    history.record(two, bob)
    nodes = {
        "edge-1": NodeFate(state="live", at=now + 2),
        "edge-2": NodeFate(state="rejected", at=now + 2),
    }
    history.settle(2, "rejected", nodes)
    now += 60
    back = Note(seen="", files=files, kind="rollback", of=1, by="ada", proof="envoy 1.40.0")
    history.record(one, back)
    history.settle(3, "live", {n: NodeFate(state="live", at=now + 1) for n in ("edge-1", "edge-2")})
    store.close()
