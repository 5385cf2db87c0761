"""`foregate dev`: a live gateway that follows a file, on this machine alone."""

import asyncio
import logging
import os
import sys
from pathlib import Path

import click
import structlog
import uvloop

from controlplane.files import MAIN
from foregate.commands.ratelimit import check
from foregate.dev.session import DevOptions, run
from foregate.trust import trust_store


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--to", metavar="URL", default="", help="No file: send every request to this URL.")
@click.option("--envoy", metavar="PATH", envvar="FOREGATE_ENVOY", help="The Envoy program to run.")
@click.option(
    "--state-dir",
    metavar="DIR",
    envvar="FOREGATE_STATE_DIR",
    type=click.Path(path_type=Path),
    default=Path(".foregate"),
    show_default=True,
    help="Where verdicts are kept between runs.",
)
@click.option(
    "--redis",
    metavar="URL",
    envvar="FOREGATE_REDIS_URL",
    default="",
    help="Count in this Redis; else in the process.",
)
def command(file: Path | None, to: str, envoy: str | None, state_dir: Path, redis: str) -> None:
    """Run a gateway on this machine: save the file, and it is live.

    It starts Envoy, the control plane, extauthz and ratelimit where routes need them and, for
    backends on this machine that nobody listens for, a demo upstream that answers with what
    arrived. A mistake is shown and the last good state
    stays. Ctrl-C ends all of it.

    \b
    Examples:
      foregate dev                          follows gateway.yaml
      foregate dev examples/shop/gateway.yaml
      foregate dev --to http://localhost:3000
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    if to and file is not None:
        raise click.UsageError("--to makes the file itself: give a FILE or --to, not both")
    if redis:
        check(redis)
    _log_to_stderr()
    options = DevOptions(
        path=None if to else file or Path(MAIN),
        to=to,
        envoy=envoy,
        state=state_dir,
        trust_store=trust_store(),
        redis=redis,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(run(options)))


def _log_to_stderr() -> None:
    """Keep the log quiet: what a person needs to know, `dev` says itself."""
    level = logging.DEBUG if os.environ.get("FOREGATE_DEBUG") else logging.ERROR
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
