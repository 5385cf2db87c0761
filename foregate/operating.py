"""What operators have a running control plane do, from both ends: push and rollback.

A request is JSON (`Wish`), and so is the answer (`resultpage`).
"""

import getpass
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

import click
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from rich.console import Console
from typing_extensions import TypedDict

from foregate.applying.applier import Applier
from foregate.applying.change import Asked, Result
from foregate.asking import post
from foregate.resultpage import ResultError, ResultRecord, read, record
from language.report import visible
from serving.admin import Action

PUSH = "/push"
ROLLBACK = "/rollback"
SECONDS = 110.0
"""How long the control plane may take: nodes that do not answer are waited for in it.

More than the admin port waits, so that it is the one to say that it goes on.
"""

NAME = 200
"""Characters of who asks."""


@with_config(ConfigDict(strict=True, extra="forbid"))
class Wish(TypedDict):
    """What is asked for. `to` is the version of a rollback, null for the one before."""

    by: Annotated[str, Field(max_length=NAME)]
    allowRemoval: bool
    to: Annotated[int, Field(ge=1, le=2**53)] | None


_WISH = TypeAdapter(Wish)


def actions(applier: Applier) -> Mapping[str, Action]:
    """The actions of a control plane's admin port."""

    def action(act: Callable[[Wish], Awaitable[Result]]) -> Action:
        async def acted(body: bytes) -> tuple[int, bytes]:
            try:
                wish = _WISH.validate_json(body)
            except ValidationError:
                return 400, b"{}"
            result = await act(wish)
            return 200, json.dumps(record(result, applier.texts)).encode()

        return acted

    return {
        PUSH: action(lambda wish: applier.push(_asked(wish))),
        ROLLBACK: action(lambda wish: applier.rollback(wish["to"], _asked(wish))),
    }


def ask(
    admin: str, path: str, *, to: int | None = None, allow_removal: bool = False
) -> ResultRecord:
    """Have a control plane do it, and wait until it is done. Raises ClickException."""
    wish = Wish(by=_who(), allowRemoval=allow_removal, to=to)
    console = Console(stderr=True)
    with console.status("waiting for the fleet"):  # nothing where nobody looks
        data = post(admin, path, json.dumps(wish).encode(), SECONDS)
    try:
        return read(data)
    except ResultError:
        raise click.ClickException(f"what {admin} answers is no control plane's") from None


def tell(result: ResultRecord, output: str, *, done: str) -> None:
    """Print a result; exit 1 where the files are not what is served."""
    if output == "json":
        click.echo(json.dumps(result, indent=2))
        sys.exit(0 if result["ok"] else 1)
    if result["report"]:
        click.echo(result["report"], err=True)
    for line in result["warnings"]:
        click.echo(visible(line), err=True)
    number = result["version"]
    version = f"version {number}" if number is not None else f"version {result['content']}"
    behind = [visible(one["file"]) for one in result["files"] if one["state"] != "current"]
    without = f", without what is on disk of {', '.join(behind)}" if behind else ""
    said = {
        "live": f"{version} {done}{without}",
        "waiting": f"{version} {done}{without}; not every node has answered: see `foregate fleet`",
        "unchanged": f"nothing changes: {version} is served{without}",
        "held": f"held: {version} stays" if result["content"] else "held: nothing is served yet",
        "refused": f"{version} stays" if result["content"] else "nothing is served yet",
    }
    click.echo(said[result["state"]])
    sys.exit(0 if result["ok"] else 1)


def _asked(wish: Wish) -> Asked:
    return Asked(by=visible(wish["by"]), allow_removal=wish["allowRemoval"])


def _who() -> str:
    """Who asks, as this machine knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"[:NAME]
