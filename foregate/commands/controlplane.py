"""`foregate controlplane`: the xDS server for a fleet, as a process of its own."""

import asyncio
import os
import sys
from pathlib import Path

import click
import uvloop

from controlplane.files import MAIN
from controlplane.rollout.recorder import recorder
from foregate import parts
from foregate.commands.options import ADMIN
from foregate.headless import ControlOptions, run, sourceless
from foregate.trust import trust_store
from serving.logs import configure


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path(MAIN), required=False)
@click.option(
    "--listen",
    metavar="ADDRESS",
    envvar="FOREGATE_XDS_LISTEN",
    default="127.0.0.1:18000",
    show_default=True,
    help="Where Envoys and services connect: unix:PATH or HOST:PORT.",
)
@click.option(
    "--admin",
    metavar="ADDRESS",
    envvar="FOREGATE_ADMIN_LISTEN",
    # click takes an empty variable for none, but this one says "nowhere".
    default=lambda: "" if "FOREGATE_ADMIN_LISTEN" in os.environ else ADMIN,
    show_default=ADMIN,
    help="Where /metrics, /ready and /fleet are; '' for nowhere.",
)
@click.option("--envoy", metavar="PATH", envvar="FOREGATE_ENVOY", help="The Envoy that proves.")
@click.option(
    "--state-dir",
    metavar="DIR",
    envvar="FOREGATE_STATE_DIR",
    type=click.Path(path_type=Path),
    default=Path(".foregate"),
    show_default=True,
    help="Where the last good, verdicts and issuers' keys outlive the process.",
)
@click.option(
    "--allow-removal",
    is_flag=True,
    envvar="FOREGATE_ALLOW_REMOVAL",
    help="Let one version through that removes all listeners, hosts, routes, backends, consumers"
    " or limits, or 20 % and at least 10 of them; the next such one is held again.",
)
@click.option(
    "--drain-time",
    metavar="SECONDS",
    envvar="FOREGATE_DRAIN_TIME",
    type=click.FloatRange(min=0),
    default=600,
    show_default=True,
    help="The --drain-time-s of the Envoys: what a listener named stays so long after it.",
)
def command(  # noqa: PLR0913 # click gives each flag by its name
    file: Path,
    listen: str,
    admin: str,
    envoy: str | None,
    state_dir: Path,
    *,
    allow_removal: bool,
    drain_time: float,
) -> None:
    """Serve a gateway to Envoys, extauthz and ratelimit over xDS, and follow its files.

    A version with mistakes, or one that removes much, is held: the last good stays, also over a
    start. Secrets that the file names must be set. The log is JSON, a line an event, on stderr.

    \b
    Examples:
      foregate controlplane gateway.yaml
      foregate controlplane --listen unix:/run/foregate/xds.sock /etc/foregate
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    configure("controlplane")
    try:
        program = parts.envoy(envoy)
    except parts.MissingPartError as error:
        raise click.ClickException(str(error)) from None
    options = ControlOptions(
        path=file,
        listen=listen,
        admin=admin,
        envoy=program.path,
        state=state_dir,
        trust_store=trust_store(),
        recorder=recorder(state_dir),
        allow_removal=allow_removal,
        drain_seconds=drain_time + 0.5,
    )
    if sourceless(options):
        raise click.ClickException(f"{file} does not exist: name a gateway file or its folder")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(run(options)))
