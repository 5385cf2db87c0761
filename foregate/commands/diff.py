"""`foregate diff`: what a change means, before it is made."""

import functools
import json
import sys
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import click

from controlplane.difference.behind import behind
from controlplane.difference.compare import difference
from controlplane.difference.difference import Difference, ThingChange, Weakening
from controlplane.difference.signers import signers
from controlplane.files import MAIN
from controlplane.store.objects import StoreError
from foregate.diffmarkdown import markdown
from foregate.diffrecords import records
from foregate.difftext import text
from foregate.garbage import uncollected
from foregate.sides import LIVE, Side, UnknownVersionError, kept, side
from language.mistakes import errors
from language.report import render, visible

DIFFERENT = 2


class _Misused(click.UsageError):
    exit_code = 1


class _Command(click.Command):
    """A command whose usage errors exit 1, as 2 says that the sides differ."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 # as click has it
    ) -> click.Context:
        """Read the words of the command line."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            raise _Misused(error.message, error.ctx) from None


@click.command(cls=_Command)
@click.argument("sides", nargs=-1, metavar="[A] [B]")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="text to read, json for programs, markdown for a pull request.",
)
@click.option("-v", "--verbose", is_flag=True, help="Fold nothing.")
@click.option("--allow-weaker", is_flag=True, help="Exit 2, not 1, where more may pass than did.")
@click.option(
    "--state-dir",
    metavar="DIR",
    envvar="FOREGATE_STATE_DIR",
    type=click.Path(path_type=Path),
    default=Path(".foregate"),
    show_default=True,
    help="Where the control plane keeps its versions.",
)
def command(
    sides: tuple[str, ...],
    output: str,
    state_dir: Path,
    *,
    verbose: bool,
    allow_weaker: bool,
) -> None:
    """Say what a change means: who may pass, who answers what, what drains.

    A and B are files or folders, numbers of versions, or live, the newest version. Without A it is
    live, without B gateway.yaml. A file that is called 3 or live is written ./3 or ./live.

    Exit 0 where both mean the same, 2 where they differ, 1 where one cannot be read, or where more
    may pass than did and --allow-weaker is not given.

    \b
    Examples:
      foregate diff
      foregate diff old/gateway.yaml gateway.yaml
      foregate diff 41 42 -o json
      foregate diff --allow-weaker -o markdown main/ branch/
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    if len(sides) > 2:
        raise click.ClickException("two sides are compared, not more")
    asked = (LIVE, MAIN) if not sides else (LIVE, sides[0]) if len(sides) == 1 else sides
    with uncollected():
        before, after = _read(asked, state_dir)
        found = _found(before, after)
    _print(found, (before, after), output, verbose=verbose)
    sys.exit(_code(found, allow_weaker=allow_weaker))


def _read(asked: tuple[str, ...], state_dir: Path) -> tuple[Side, Side]:
    try:
        before, after = (side(one, functools.partial(kept, state_dir)) for one in asked)
    except (UnknownVersionError, StoreError) as error:
        raise click.ClickException(str(error)) from None
    unreadable = [one for one in (before, after) if errors(one.mistakes)]
    for one in unreadable:
        _tell(one)
    if unreadable:
        sys.exit(1)
    return before, after


def _found(before: Side, after: Side) -> Difference:
    """What differs, and what of the sides themselves makes them hard to compare."""
    found = difference(before.build, after.build)
    stayed = chain.from_iterable(behind(visible(one.name), one.parts) for one in (before, after))
    keys = list(signers(before.build, after.build, before.keys, after.keys))
    weaker = (one for one in keys if isinstance(one, Weakening))
    changed = (one for one in keys if isinstance(one, ThingChange))
    return replace(
        found,
        weakenings=(*found.weakenings, *weaker, *stayed),
        things=(*found.things, *changed),
    )


def _tell(one: Side) -> None:
    texts = {s.name: s.data.decode("utf-8", "replace") for s in one.build.sources}
    colour = sys.stderr.isatty()
    click.echo(render(errors(one.mistakes), texts, colour=colour), err=True)
    click.echo(f"{visible(one.name)} has errors: there is nothing to compare", err=True)


def _print(found: Difference, sides: tuple[Side, Side], output: str, *, verbose: bool) -> None:
    if output == "json":
        names = (sides[0].name, sides[1].name)
        click.echo(json.dumps(records(found, names), indent=2))
    elif output == "markdown":
        click.echo(markdown(found))
    else:
        click.echo(text(found, everything=verbose, colour=sys.stdout.isatty()))


def _code(found: Difference, *, allow_weaker: bool) -> int:
    if found.weakenings and not allow_weaker:
        places = dict.fromkeys(visible(str(p)) for one in found.weakenings for p in one.places)
        lines = ", ".join([*places][:5]) + (", …" if len(places) > 5 else "")
        at = f" ({lines})" if lines else ""
        words = f"more may pass than did{at}: if that is meant, add --allow-weaker"
        click.echo(f"error: {words}", err=True)
        return 1
    return 0 if found.same else DIFFERENT
