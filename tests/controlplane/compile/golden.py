"""Golden cases: one YAML file holds a sentence, a gateway file, and the Envoy resources it becomes.

`REWRITE_CASES=1 pytest tests/controlplane/compile` writes what is expected anew; read the diff, as
a case that blesses a mistake is worse than none.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf.json_format import MessageToDict

from controlplane.build import Build, Options, build
from controlplane.compile.listener import BUFFER
from controlplane.compile.options import Layout
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Snapshot
from controlplane.sources import SourceFile
from protos import CONSUMERS, CONSUMERS_NAME, EXTAUTHZ, PIPELINE, auth_pb2
from tests.controlplane.compile.envoy_reading import Plain, read

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("policies/*/cases/*.yaml", "tests/controlplane/compile/cases/*.yaml")
OURS = "foregate:"
AUTH = "foregate.auth"
TRUST_STORE = "/trusted/authorities.pem"
"""A name that no machine has, so that no case depends on one."""

KINDS = (
    *("hosts", "routes", "whole", "clusters", "endpoints"),
    *("services", "listener", "filters", "answers", "extauthz"),
)
"""What a case may expect: the virtual hosts with their domains, the routes of the only one in
order, clusters and endpoints by name, the clusters of our services, the listener but for the
answers that it makes itself, the names of its HTTP filters, those answers, and what extauthz is
served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A golden case; `expect` maps some of KINDS to what they must be."""

    path: Path
    about: str
    gateway: str
    expect: Plain

    @property
    def name(self) -> str:
        """The path without what all cases share."""
        return str(self.path.relative_to(ROOT)).removesuffix(".yaml").replace("/cases/", "/")


def cases() -> list[Case]:
    """Every case of the tree, by glob."""
    paths = sorted(path for folder in FOLDERS for path in ROOT.glob(folder))
    return [_case(path) for path in paths]


def _case(path: Path) -> Case:
    held = yaml.safe_load(path.read_text("utf-8"))
    assert set(held) == {"about", "gateway", "expect"}, f"{path}: about, gateway, expect"
    unknown = set(held["expect"]) - set(KINDS)
    assert not unknown, f"{path}: {unknown} is none of {KINDS}"
    return Case(path=path, about=held["about"], gateway=held["gateway"], expect=held["expect"])


def built(case: Case, trust_store: str = TRUST_STORE, layout: Layout = "plain") -> Build:
    """Compile the gateway file of a case, and refuse one that has mistakes or warnings."""
    source = SourceFile(name="gateway.yaml", data=case.gateway.encode())
    made = build((source,), Options(trust_store=trust_store, layout=layout))
    told = [f"{m.place.line}:{m.place.column} {m.message} ({m.hint})" for m in made.mistakes]
    assert not told, f"{case.name}: {told}"
    return made


def actual(case: Case) -> Plain:
    """What Envoy is told, for the kinds of resources that the case is about."""
    made = built(case)
    assert made.snapshot is not None
    views = {kind: view for kind, view in _VIEWS.items() if kind in case.expect}
    shown: Plain = {kind: view(made.snapshot) for kind, view in views.items()}
    if "extauthz" in case.expect:
        shown["extauthz"] = _extauthz(made.services[EXTAUTHZ])
    return {kind: shown[kind] for kind in case.expect}


def rewrite(case: Case) -> None:
    """Write a case anew, with what is now made of it as what is expected."""
    held = {"about": case.about, "gateway": _Block(case.gateway), "expect": actual(case)}
    text = yaml.dump(held, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
    case.path.write_text(text, "utf-8")


def _hosts(snapshot: Snapshot) -> dict[str, list[str]]:
    return {host["name"]: host["domains"] for host in _table(snapshot)["virtualHosts"]}


def _routes(snapshot: Snapshot) -> list[Plain]:
    """Give the routes that the file wrote, without what every table and route begins with."""
    shown = []
    for route in _whole(snapshot):
        filters = route.get("typedPerFilterConfig", {})
        filters.pop(BUFFER, None)
        if filters.get(AUTH, {}).get("disabled"):  # as every open route says
            del filters[AUTH]
        if not filters:
            route.pop("typedPerFilterConfig", None)
        shown.append(_nameless(route))
    return [route for route in shown if route.get("directResponse", {}).get("status") != 400]


def _whole(snapshot: Snapshot) -> list[Plain]:
    (host,) = _table(snapshot)["virtualHosts"]
    routes: list[Plain] = host["routes"]
    return [{k: v for k, v in r.items() if k != "name" or v == "h-none"} for r in routes]


def _table(snapshot: Snapshot) -> Plain:
    (table,) = snapshot.of(ROUTES).values()
    return read(table)


def _listener(snapshot: Snapshot) -> Plain:
    (listener,) = (read(one) for one in snapshot.of(LISTENER).values())
    _manager(listener).pop("localReplyConfig")
    return listener


def _filters(snapshot: Snapshot) -> list[str]:
    return [one["name"] for one in _manager(_listener(snapshot))["httpFilters"]]


def _answers(snapshot: Snapshot) -> list[Plain]:
    (listener,) = (read(one) for one in snapshot.of(LISTENER).values())
    mappers: list[Plain] = _manager(listener)["localReplyConfig"]["mappers"]
    return mappers


def _manager(listener: Plain) -> Plain:
    (chain,) = listener["filterChains"]
    (manager,) = chain["filters"]
    settings: Plain = manager["typedConfig"]
    return settings


def _clusters(snapshot: Snapshot) -> dict[str, Plain]:
    return {
        name: _nameless(read(one))
        for name, one in snapshot.of(CLUSTER).items()
        if not name.startswith(OURS)
    }


def _services(snapshot: Snapshot) -> dict[str, Plain]:
    return {
        name: _nameless(read(one))
        for name, one in snapshot.of(CLUSTER).items()
        if name.startswith(OURS)
    }


def _endpoints(snapshot: Snapshot) -> dict[str, Any]:
    return {
        name: read(one)["endpoints"]
        for name, one in snapshot.of(ENDPOINTS).items()
        if not name.startswith(OURS)
    }


def _extauthz(snapshot: Snapshot) -> Plain:
    """Pipelines by the first letters of their hash, and who holds which keys."""
    pipelines = {
        name[:8]: json.loads(auth_pb2.Pipeline.FromString(one.body).document)
        for name, one in snapshot.of(PIPELINE).items()
    }
    consumers = auth_pb2.ConsumerSet.FromString(snapshot.of(CONSUMERS)[CONSUMERS_NAME].body)
    return {"pipelines": pipelines, **MessageToDict(consumers)}


def _nameless(message: Plain) -> Plain:
    """Leave the name out: a rule id is a hash that nobody can judge; a cluster's is the key."""
    return {key: value for key, value in message.items() if key != "name"}


_VIEWS = {
    "hosts": _hosts,
    "routes": _routes,
    "whole": _whole,
    "clusters": _clusters,
    "endpoints": _endpoints,
    "services": _services,
    "listener": _listener,
    "filters": _filters,
    "answers": _answers,
}


CASES_BY_NAME = {case.name: case for case in cases()}


class _Block(str):
    """A text that is written as a block."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes blocks as blocks and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 # PyYAML's signature
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 # PyYAML's signature
        return True


def _block(dumper: yaml.SafeDumper, text: _Block) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")


_Dumper.add_representer(_Block, _block)
