"""Folders of three files, and what is chosen of them."""

from controlplane.build import Options
from controlplane.files import Sources
from controlplane.plan.plan import PlannedRoute
from controlplane.selection.chosen import Chosen
from controlplane.selection.selector import Selector
from controlplane.sources import SourceFile

GATEWAY = """\
version: 1
defaults: {auth: none}
routes:
  - {path: /**, respond: {status: 200}}
"""
USERS = """\
defaults: {auth: none}
backends: {users: "http://users:80"}
routes:
  - {path: /users/**, to: users}
"""
ORDERS = """\
defaults: {auth: none}
routes:
  - {path: /orders/**, to: users}
"""
OTHER_USERS = USERS.replace("/users/**", "/other/**")
SAME_ROUTE = USERS.replace("users:", "others:").replace("to: users", "to: others")
BROKEN = "routes: [\n"

Texts = dict[str, str]
FOLDER: Texts = {"gateway": GATEWAY, "users": USERS, "orders": ORDERS}


def files(texts: Texts, folder: str = "") -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(name=f"{folder}{name}.yaml", data=text.encode()) for name, text in texts.items()
    )


def choose(texts: Texts, good: tuple[SourceFile, ...] = ()) -> Chosen:
    return Selector().choose(Sources(files=files(texts), mistakes=()), good, Options())


def states(chosen: Chosen) -> dict[str, str]:
    return {view.home.removesuffix(".yaml"): view.state for view in chosen.files}


def told(chosen: Chosen) -> list[str]:
    return [f"{m.place}: {m.message}" for m in chosen.mistakes]


def served(chosen: Chosen) -> dict[str, bool]:
    """The paths that the plan holds, and whether each is held."""
    plan = chosen.build.plan
    entries = [e for h in plan.hosts for e in h.entries] if plan else []
    return {e.route.path.text: e.held for e in entries if isinstance(e, PlannedRoute)}


def rules(chosen: Chosen) -> set[str]:
    plan = chosen.build.plan
    return {entry.rule for host in plan.hosts for entry in host.entries} if plan else set()
