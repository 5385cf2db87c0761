"""`foregate check`: every mistake of a gateway, at its line and column, and no socket opened."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from controlplane.files import MAIN, SUFFIXES
from controlplane.plan.plan import MethodNotAllowed, Plan, PlannedRoute, Preflight
from controlplane.selection.chosen import FileView
from foregate.building import Checked, check_path
from foregate.commands.options import output as output_option
from foregate.orderpage import order_records, order_text
from language.mistakes import errors
from language.report import as_json, render


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("-v", "--verbose", is_flag=True, help="Print the routes in order, and who enforces.")
@click.option("--env", is_flag=True, help="Refuse secrets that are not set, as servers do.")
@click.option(
    "--explain-order", is_flag=True, help="Print in which order routes are tried, and why."
)
@output_option
def command(
    paths: tuple[Path, ...], output: str, *, verbose: bool, env: bool, explain_order: bool
) -> None:
    """Check gateway files: exit 0 where all is well, 1 where there are errors.

    A folder with a gateway.yaml is one gateway; of any other folder, each file and each folder in
    it is one.

    \b
    Examples:
      foregate check
      foregate check -v examples/shop/gateway.yaml
      foregate check --explain-order examples/shop/gateway.yaml
      foregate check --env -o json gateways/
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    failed = False
    reports = []
    for path in [g for p in paths or (Path(MAIN),) for g in _gateways(p)]:
        checked = check_path(path, required=env)
        failed = failed or bool(errors(checked.mistakes))
        if output == "json":
            reports.append(_report(path, checked))
            if explain_order and checked.build.plan is not None:
                reports[-1]["order"] = order_records(checked.build.plan)
        else:
            _print(path, checked, verbose=verbose, explain_order=explain_order)
    if output == "json":
        click.echo(json.dumps({"ok": not failed, "gateways": reports}, indent=2))
    sys.exit(1 if failed else 0)


def _gateways(path: Path) -> Iterator[Path]:
    if not path.is_dir() or (path / MAIN).exists():
        yield path
        return
    below = [e for e in sorted(path.iterdir()) if not e.name.startswith(".")]
    found = [e for e in below if e.suffix in SUFFIXES and not e.is_dir()]
    folders = [e for e in below if e.is_dir() and any(_yaml_below(e))]
    yield from found
    for folder in folders:
        yield from _gateways(folder)
    if not found and not folders:
        yield path


def _yaml_below(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.suffix in SUFFIXES)


def _print(path: Path, checked: Checked, *, verbose: bool, explain_order: bool) -> None:
    built, mistakes = checked.build, checked.mistakes
    texts = {s.name: s.data.decode("utf-8", "replace") for s in built.sources}
    if mistakes:
        colour = sys.stdout.isatty()
        click.echo(render(mistakes, texts, colour=colour))
    if len(checked.files) > 1:
        for file in checked.files:
            if file.state != "current":
                click.echo(f"{file.name} is not served on a cold start: {_why(file)}")
    if built.plan is not None and verbose:
        click.echo("\n".join(_order(built.plan)))
    if built.plan is not None and explain_order:
        click.echo("\n".join(order_text(built.plan)))
    if built.snapshot is not None and built.plan is not None:
        routes = len({e.rule for h in built.plan.hosts for e in h.entries if _planned(e)})
        counts = f"{_count(routes, 'route')}, {_count(len(built.plan.backends), 'backend')}"
        click.echo(f"{path}: {counts}, no errors")


def _why(file: FileView) -> str:
    """Why a file would not start, in a few words."""
    found = errors(file.mistakes)
    if not found:
        return f"{MAIN} is not"
    others = {p.file: None for m in found for p in (m.place, *m.also) if p.file != file.name}
    if others:
        return f"it conflicts with {', '.join(others)}; neither is, unless one is the last good"
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0].message}{more}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _planned(entry: object) -> bool:
    return isinstance(entry, PlannedRoute)


def _order(plan: Plan) -> Iterator[str]:
    for host in plan.hosts:
        yield f"hosts {', '.join(host.domains)}"
        for entry in host.entries:
            if not isinstance(entry, PlannedRoute):
                yield f"  {entry.rule}  {entry.path.text}  {_own(entry)}"
                continue
            match = entry.route.match
            words = [entry.route.path.text, *match.methods]
            words += [f"{n}: {v.shown}" for n, v in match.headers.items()]
            words += [f"?{n}={v.shown}" for n, v in match.query.items()]
            yield f"  {entry.rule}  {'  '.join(words)}  {_action(entry)}  {entry.route.place}"
            for one in entry.placements:
                origin = "inherited from" if one.inherited else "written at"
                yield f"      {one.key} in {one.where}: {one.why} ({origin} {one.place})"


def _own(entry: MethodNotAllowed | Preflight) -> str:
    """What the gateway answers by itself."""
    if isinstance(entry, MethodNotAllowed):
        return f"405, allow: {', '.join(entry.allow)}"
    if entry.route is None:
        return "403 to preflights"
    asked = ", ".join(entry.methods) or "any method"
    but = f" but {', '.join(entry.others)}" if entry.others else ""
    return f"preflights for {asked}{but}: cors of {entry.route.rule}"


def _action(entry: PlannedRoute) -> str:
    to = entry.route.match.to
    if to is None:
        return entry.route.action.value
    if len(to) == 1:
        return f"to {next(iter(to))}"
    return "to " + ", ".join(f"{name} {weight}%" for name, weight in to.items())


def _report(path: Path, checked: Checked) -> dict[str, object]:
    plan, mistakes = checked.build.plan, checked.mistakes
    hosts = plan.hosts if plan is not None else ()
    return {
        "path": str(path),
        "ok": not errors(mistakes),
        "mistakes": as_json(mistakes),
        "files": [
            {
                "name": file.name,
                "home": file.home,
                "state": file.state,
                "errors": as_json(errors(file.mistakes)),
            }
            for file in checked.files
        ],
        "hosts": [
            {
                "domains": host.domains,
                "routes": [_entry(e) for e in host.entries if isinstance(e, PlannedRoute)],
            }
            for host in hosts
        ],
    }


def _entry(entry: PlannedRoute) -> dict[str, object]:
    match = entry.route.match
    return {
        "rule": entry.rule,
        "place": str(entry.route.place),
        "path": entry.route.path.text,
        "methods": match.methods,
        "headers": {name: wanted.shown for name, wanted in match.headers.items()},
        "query": {name: wanted.shown for name, wanted in match.query.items()},
        "action": entry.route.action.value,
        "to": match.to,
        "policies": [
            {"key": p.key, "where": p.where, "why": p.why, "place": str(p.place)}
            for p in entry.placements
        ],
    }
