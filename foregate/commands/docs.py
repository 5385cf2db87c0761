"""`foregate docs KEY`: what a key means, from the same model as the checks and the schema."""

import json
import sys
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import click
from rich.console import Console
from rich.markdown import Markdown

from controlplane.model.keys import named_keys
from controlplane.model.schema import Schema, json_schema
from foregate.commands.options import output as output_option
from language.suggest import nearest
from policies import POLICIES
from policies.contract import Key


@click.command()
@click.argument("key", required=False)
@output_option
def command(key: str | None, output: str) -> None:
    """Explain a key of the gateway file, or list all of them.

    \b
    Examples:
      foregate docs
      foregate docs retry
      foregate docs retry.attempts
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    known = dict(_keys(json_schema(), ""))
    if key is None:
        if output == "json":
            click.echo(json.dumps({n: s.get("description", "") for n, s in known.items()}))
            return
        for name, schema in known.items():
            summary = schema.get("description", "").partition("\n")[0]
            click.echo(f"{name:<42} {summary}")
        return
    found = {n: s for n, s in known.items() if n == key or n.endswith("." + key)}
    if not found:
        near = nearest(key, sorted({n.rpartition(".")[2] for n in known} | set(known)))
        hint = f"did you mean '{near}'?" if near else "foregate docs lists all"
        click.echo(f"there is no key '{key}': {hint}", err=True)
        sys.exit(1)
    if output == "json":
        click.echo(json.dumps(found, indent=2))
        return
    _print(found)


def _keys(schema: Schema, above: str) -> Iterator[tuple[str, Schema]]:
    """Every key with its schema, by its path in the file."""
    for choice in schema.get("anyOf", ()):
        yield from _keys(choice, above)
    for name, below in schema.get("properties", {}).items():
        path = f"{above}.{name}" if above else name
        yield path, below
        yield from _keys(below, path)
    if isinstance(schema.get("items"), dict):
        yield from _keys(schema["items"], above)
    if isinstance(schema.get("additionalProperties"), dict) and above in {
        "backends",
        *named_keys(),
    }:
        yield from _keys(schema["additionalProperties"], above)


def _print(found: dict[str, Schema]) -> None:
    console = Console(highlight=False)
    seen: set[str] = set()
    for name, schema in found.items():
        summary, _, example = schema.get("description", "").partition("\n")
        console.print(f"[bold]{name}[/bold]  {_type(schema)}", soft_wrap=True)
        if summary and summary not in seen:
            seen.add(summary)
            console.print(f"  {summary}", soft_wrap=True, markup=False)
            if example:
                console.print(f"  {example}", soft_wrap=True, markup=False)
    policy = _policy(next(iter(found)).rpartition(".")[2])
    if policy:
        console.print()
        page = files("policies").joinpath(policy, "README.md").read_text("utf-8")
        if console.is_terminal:
            console.print(Markdown(page))
        else:
            click.echo(page, nl=False)


def _type(schema: Schema) -> str:
    """A type in words."""
    choices: list[Any] = schema.get("anyOf", [])
    if choices:
        return " | ".join(dict.fromkeys(_type(c) for c in choices))
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " | ".join(str(e) for e in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kinds = schema.get("type", "")
    if isinstance(kinds, list):
        return "text"
    return {"object": "mapping", "string": "text", "integer": "number"}.get(kinds, str(kinds))


def _policy(key: str) -> str | None:
    """The policy whose page explains a key."""
    import importlib  # noqa: PLC0415 # only a page needs it

    for name in POLICIES:
        keys: tuple[Key, ...] = importlib.import_module(f"policies.{name}.spec").KEYS
        if any(k.name == key for k in keys):
            return name
    return None
