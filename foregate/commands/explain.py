"""`foregate explain`: what the gateway does with one request, and why; nothing is sent."""

import json
import sys
from pathlib import Path

import click

from controlplane.explaining.explaining import Explaining
from controlplane.files import MAIN
from controlplane.snapshot import SCOPE
from foregate.building import build_path
from foregate.commands.options import output as output_option
from foregate.curlline import sent
from foregate.explainrecord import record
from foregate.explaintext import text
from foregate.sending import Sent, UnreadError, addressed
from language.mistakes import errors
from language.report import render


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("request", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path(MAIN),
    show_default=True,
    help="The gateway: its file, or a folder.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show every route that lost.")
@output_option
def command(request: tuple[str, ...], config: Path, output: str, *, verbose: bool) -> None:
    """Say which route takes a request, why each nearer one does not, and what is done with it.

    REQUEST is a curl line, in one word or many, or METHOD URL with -H 'name: value'. It stands
    last: what is behind its first word belongs to it. Nothing is sent and nothing is started.

    Exit 0 where it is told, whatever the answer; 1 where the gateway has errors, or the request
    cannot be read.

    \b
    Examples:
      foregate explain GET http://api.example.com/v1/users/7
      foregate explain --config gateways/ POST http://api.example.com/v1/orders -H 'x-a: 1'
      foregate explain curl -X POST -H 'x-a: 1' 'http://api.example.com/v1/x?beta=true'
      foregate explain -o json "curl -I http://api.example.com/"
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    try:
        asked = _asked(request)
    except UnreadError as error:
        raise click.ClickException(str(error)) from None
    told = _explaining(config).told(asked.request)
    if output == "json":
        click.echo(json.dumps(record(told, asked.notes), indent=2))
    else:
        colour = sys.stdout.isatty()
        click.echo(text(told, asked.notes, everything=verbose, colour=colour))


def _asked(words: tuple[str, ...]) -> Sent:
    if words[0].split()[:1] == ["curl"]:
        return sent(words)
    if len(words) == 1 and " " in words[0]:
        words = tuple(words[0].split())
    if len(words) < 2:
        raise UnreadError("a request is a curl line, or METHOD URL: add the other word")
    method, url, *rest = words
    headers = rest[1::2]
    if any(word not in {"-H", "--header"} for word in rest[::2]) or len(rest) % 2:
        message = "behind METHOD URL stand only headers, -H 'name: value'; options before it"
        raise UnreadError(message)
    return addressed(method, url, headers)


def _explaining(config: Path) -> Explaining:
    """The routes of a gateway; where it has errors they are shown, and the exit is 1."""
    build, mistakes = build_path(config)
    found = errors(mistakes)
    if found or build.plan is None or build.snapshot is None:
        texts = {s.name: s.data.decode("utf-8", "replace") for s in build.sources}
        click.echo(render(found, texts, colour=sys.stderr.isatty()), err=True)
        click.echo("the gateway has errors: there is nothing to explain", err=True)
        sys.exit(1)
    return Explaining(build.plan, paged=bool(build.snapshot.of(SCOPE)))
