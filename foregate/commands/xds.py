"""`foregate xds`: the Envoy resources of a gateway, each with the lines that it comes from."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message

from controlplane.build import Build
from controlplane.compile.halves import route_steps
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    LISTENER,
    ORDER,
    ROUTES,
    SCOPE,
    Resource,
    Subject,
)
from controlplane.store.objects import StoreError
from foregate.building import build_path
from foregate.bundle import write
from foregate.commands.options import file as file_argument
from foregate.commands.options import output as output_option
from foregate.commands.options import state_dir as state_dir_option
from foregate.commands.show import history, named
from foregate.trust import trust_store
from language.mistakes import errors
from language.report import render, visible
from serving.logs import configure

_MESSAGES: Mapping[str, type[Message]] = {
    CLUSTER: Cluster,
    ENDPOINTS: ClusterLoadAssignment,
    LISTENER: Listener,
    SCOPE: ScopedRouteConfiguration,
    ROUTES: RouteConfiguration,
}


@click.command()
@file_argument
@output_option
@click.option(
    "--services",
    metavar="POLICY",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what extauthz and ratelimit are served into this file, for their --policy.",
)
@click.option(
    "--at",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    help="Instead of a file: a version of the history (foregate history).",
)
@state_dir_option
@click.pass_context
def command(  # noqa: PLR0913 # click gives each flag by its name
    context: click.Context,
    file: Path,
    output: str,
    services: Path | None,
    *,
    at: int | None,
    state_dir: Path,
) -> None:
    """Print the Envoy resources that a file compiles to, each with its source lines.

    What only the services get is never printed. With --services it is written into a file that
    its owner alone can read; issuers are asked for their keys for it. With --at a published version
    is printed from the disk alone, without its secrets.

    \b
    Examples:
      foregate xds examples/shop/gateway.yaml
      foregate xds -o json | jq '.resources[].name'
      foregate xds --services policy.json gateway.yaml
      foregate xds --at 7
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    _together(context)
    if at is not None:
        _print(_kept(state_dir, at), output)
        return
    built, mistakes = build_path(file, required=services is not None)
    if built.snapshot is None or errors(mistakes):
        texts = {s.name: s.data.decode("utf-8", "replace") for s in built.sources}
        click.echo(render(mistakes, texts, colour=sys.stderr.isatty()), err=True)
        sys.exit(1)
    if services is not None:
        configure("xds", "warning")  # an issuer without keys is told on stderr
        files = file if file.is_dir() else file.parent
        try:
            count = write(services, built, files, trust_store())
        except OSError as error:
            raise click.ClickException(f"{services} cannot be written: {error.strerror}") from None
        click.echo(f"{services}: {count} resources, for its owner alone")
        return
    _print(built, output)


def _together(context: click.Context) -> None:
    """Refuse what would have no effect."""
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    if "at" in given and "file" in given:
        raise click.UsageError("--at names a version: give it or a file")
    if "at" in given and "services" in given:
        raise click.UsageError("--services is of a file: a version has no keys of issuers")
    if "state_dir" in given and "at" not in given:
        raise click.UsageError("--state-dir is where --at looks: give both or none")


def _kept(state_dir: Path, number: int) -> Build:
    """Read a version of the history. Raises ClickException where that cannot be read."""
    route_steps()  # knows the messages of all policies
    past = history(state_dir)
    named(past, number)
    try:
        found = past.build(number)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    if found is None:
        raise click.ClickException(f"version {number} cannot be read whole: files of it are lost")
    return found


def _print(built: Build, output: str) -> None:
    if built.snapshot is None:
        return
    resources = [r for t in ORDER for r in built.snapshot.of(t).values()]
    if output == "json":
        shown = [_shown(r, built) for r in resources]
        click.echo(json.dumps({"version": built.snapshot.version, "resources": shown}, indent=2))
        return
    for resource in resources:
        click.echo("\n".join(_text(resource, built)))


def _text(resource: Resource, built: Build) -> list[str]:
    kind = resource.type_url.rpartition(".")[2]
    lines = [f"# {kind} {resource.name} (version {resource.version})"]
    for subject, places in _subjects(resource, built):
        name = f"  {subject.part}" if subject.part else ""
        lines.append(f"#{name} from {', '.join(dict.fromkeys(str(p) for p in places))}")
    return [*lines, json.dumps(_message(resource), indent=2), ""]


def _subjects(resource: Resource, built: Build) -> list[tuple[Subject, list[str]]]:
    return [
        (subject, [str(p) for p in places])
        for subject, places in built.provenance.items()
        if (subject.type_url, subject.name) == (resource.type_url, resource.name)
    ]


def _message(resource: Resource) -> dict[str, object]:
    """Give a resource as JSON has it. Raises ClickException for one of another release."""
    try:
        message = _MESSAGES[resource.type_url].FromString(resource.body)
        shown: dict[str, object] = MessageToDict(message, preserving_proto_field_name=True)
    except (KeyError, DecodeError, TypeError) as error:
        kind = resource.type_url.rpartition(".")[2]
        words = f"this release cannot show {kind} {resource.name}, which another one wrote"
        raise click.ClickException(visible(words)) from error
    return shown


def _shown(resource: Resource, built: Build) -> dict[str, object]:
    found = _subjects(resource, built)
    return {
        "type": resource.type_url,
        "name": resource.name,
        "version": resource.version,
        "lines": next((p for s, p in found if not s.part), []),
        "parts": {s.part: p for s, p in found if s.part},
        "resource": _message(resource),
    }
