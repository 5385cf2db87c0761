"""What `foregate extauthz` and `foregate ratelimit` share: their words, checked, and the loop."""

import asyncio
import functools
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

import click
import uvloop

from foregate.commands.options import Decorator
from serving.address import AddressError, address
from serving.logs import LevelError, configure
from serving.run import Settings, StartError, check, run
from serving.service import Maker


class Words(TypedDict):
    """What the command line and the environment say, unchecked."""

    xds: str
    policy: Path | None
    listen: str
    advertise: str
    state_dir: Path | None
    admin: str
    node: str


def serving_options(*, port: int, admin: int) -> Decorator:
    """The options of a service, with the ports that are its own by default."""
    options = (
        click.option(
            "--xds",
            metavar="ADDRESS",
            envvar="FOREGATE_XDS",
            default="",
            help="The control plane that the policy comes from.",
        ),
        click.option(
            "--policy",
            metavar="FILE",
            envvar="FOREGATE_POLICY",
            type=click.Path(path_type=Path),
            help="Instead of --xds: a file with the policy, followed when it changes.",
        ),
        click.option(
            "--listen",
            metavar="ADDRESS",
            envvar="FOREGATE_LISTEN",
            default=f"127.0.0.1:{port}",
            show_default=True,
            help="Where Envoy's calls come in: HOST:PORT or unix:/PATH.",
        ),
        click.option(
            "--advertise",
            metavar="ADDRESS",
            envvar="FOREGATE_ADVERTISE",
            default="",
            help="Where Envoy connects to, when it is not where the service listens.",
        ),
        click.option(
            "--state-dir",
            metavar="DIR",
            envvar="FOREGATE_STATE_DIR",
            type=click.Path(path_type=Path),
            help="Where the last good policy is kept, to start without a control plane.",
        ),
        click.option(
            "--admin",
            metavar="ADDRESS",
            envvar="FOREGATE_ADMIN_LISTEN",
            # click takes an empty variable for none, but this one says "nowhere".
            default=lambda: "" if "FOREGATE_ADMIN_LISTEN" in os.environ else f"127.0.0.1:{admin}",
            show_default=f"127.0.0.1:{admin}",
            help="Where /metrics and /ready are; '' for nowhere.",
        ),
        click.option(
            "--node",
            metavar="ID",
            envvar="FOREGATE_NODE",
            default="",
            help="The id of this instance; made from host and process by default.",
        ),
    )

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        return functools.reduce(lambda made, option: option(made), reversed(options), command)

    return decorate


def settings(words: Words) -> Settings:
    """Check the words. Raises ClickException (exit code 1) that names the flag and the variable."""
    for flag, name, value in (
        ("--xds", "FOREGATE_XDS", words["xds"]),
        ("--listen", "FOREGATE_LISTEN", words["listen"] or ":"),
        ("--advertise", "FOREGATE_ADVERTISE", words["advertise"]),
        ("--admin", "FOREGATE_ADMIN_LISTEN", words["admin"]),
    ):
        if value:
            _address(flag, name, value)
    made = Settings(
        listen=words["listen"],
        xds=words["xds"],
        policy=words["policy"],
        advertise=words["advertise"],
        state=words["state_dir"],
        admin=words["admin"],
        node=words["node"],
        version=version("foregate"),
    )
    try:
        check(made)
    except StartError as error:
        raise click.ClickException(error.message) from None
    return made


def serve(service: str, maker: Maker, words: Words) -> None:
    """Serve until SIGTERM or Ctrl-C, and exit with the code of that."""
    made = settings(words)
    try:
        configure(service, os.environ.get("FOREGATE_LOG") or "info")
    except LevelError as error:
        raise click.ClickException(f"FOREGATE_LOG: {error.message}") from None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(run(maker, made)))


def _address(flag: str, name: str, text: str) -> None:
    try:
        address(text)
    except AddressError as error:
        raise click.ClickException(f"{flag} ({name}): {error.message}") from None
