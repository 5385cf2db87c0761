"""What operators have a running control plane do, from both ends: push and rollback.

A request is JSON (`PushWish`, `RollbackWish`), and so is the answer (`resultpage`).
"""

import getpass
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, TypeVar

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

LARGEST = 2**53
"""No version has a larger number: JSON readers would round it."""


Name = Annotated[str, Field(max_length=NAME)]


@with_config(ConfigDict(strict=True, extra="forbid"))
class PushWish(TypedDict):
    """A push is asked for, by whom; past the brake where that is meant."""

    by: Name
    allowRemoval: bool


@with_config(ConfigDict(strict=True, extra="forbid"))
class RollbackWish(TypedDict):
    """A rollback is asked for, by whom, to which version: null for the one before.

    With `restoreConsumers`, consumers get back what was taken from them since.
    """

    by: Name
    restoreConsumers: bool
    to: Annotated[int, Field(ge=1, le=LARGEST)] | None


T = TypeVar("T")

_PUSH = TypeAdapter(PushWish)
_ROLLBACK = TypeAdapter(RollbackWish)


def actions(applier: Applier) -> Mapping[str, Action]:
    """The actions of a control plane's admin port."""

    def action(wishes: TypeAdapter[T], act: Callable[[T], Awaitable[Result]]) -> Action:
        async def acted(body: bytes) -> tuple[int, bytes]:
            try:
                wish = wishes.validate_json(body)
            except ValidationError:
                return 400, b"{}"
            result = await act(wish)
            return 200, json.dumps(record(result, applier.texts)).encode()

        return acted

    async def push(wish: PushWish) -> Result:
        asked = Asked(by=visible(wish["by"]), allow_removal=wish["allowRemoval"])
        return await applier.push(asked)

    async def rollback(wish: RollbackWish) -> Result:
        asked = Asked(by=visible(wish["by"]))
        restore = wish["restoreConsumers"]
        return await applier.rollback(wish["to"], asked, restore_consumers=restore)

    return {PUSH: action(_PUSH, push), ROLLBACK: action(_ROLLBACK, rollback)}


def ask_push(admin: str, *, allow_removal: bool) -> ResultRecord:
    """Have a control plane publish its files, and wait until it is done. Raises ClickException."""
    return _ask(admin, PUSH, PushWish(by=_who(), allowRemoval=allow_removal))


def ask_rollback(admin: str, to: int | None, *, restore_consumers: bool) -> ResultRecord:
    """Have a control plane serve an older version again; raises as `ask_push` does."""
    wish = RollbackWish(by=_who(), to=to, restoreConsumers=restore_consumers)
    return _ask(admin, ROLLBACK, wish)


def _ask(admin: str, path: str, wish: PushWish | RollbackWish) -> ResultRecord:
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
    for line in result["report"].splitlines():
        click.echo(visible(line), err=True)
    for line in result["warnings"]:
        click.echo(visible(line), err=True)
    number = result["version"]
    version = f"version {number}" if number is not None else f"version {visible(result['content'])}"
    behind = [visible(one["file"]) for one in result["files"] if one["state"] != "current"]
    without = f", without what is on disk of {', '.join(behind)}" if behind else ""
    said = {
        "live": f"{version} {done}{without}",
        "waiting": f"{version} is on offer{without}; not every node has it: see `foregate fleet`",
        "unchanged": f"nothing changes: {version} is served{without}",
        "held": f"held: {version} stays" if result["content"] else "held: nothing is served yet",
        "refused": f"{version} stays" if result["content"] else "nothing is served yet",
    }
    click.echo(said[result["state"]])
    sys.exit(0 if result["ok"] else 1)


def _who() -> str:
    """Who asks, as this machine knows them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"[:NAME]
