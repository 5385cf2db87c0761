"""Named things over files: looked up, told where they are missing or idle, resolved once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from controlplane.build import Build, Options, build
from controlplane.model import inherit
from controlplane.model.keys import route_keys
from controlplane.plan import settle
from controlplane.plan.plan import PlannedRoute
from controlplane.sources import SourceFile
from policies.auth.pipeline import Pipeline
from policies.auth.sources import Origin
from policies.contract import Fault, RouteKey
from protos import EXTAUTHZ, RATELIMIT

IDP = 'identities: {idp: {issuer: "https://a.b", audience: c}}\n'
ANSWER = "respond: {status: 200}"


def built(**texts: str) -> Build:
    names = {name: name.replace("__", "/") for name in texts}
    sources = [SourceFile(name=f"{names[n]}.yaml", data=t.encode()) for n, t in texts.items()]
    return build(tuple(sources), Options())


def told(made: Build) -> list[str]:
    return [f"{m.place} {m.severity} {m.message}" for m in made.mistakes]


def planned(made: Build) -> dict[str, PlannedRoute]:
    assert made.plan is not None, made.mistakes
    entries = [e for h in made.plan.hosts for e in h.entries if isinstance(e, PlannedRoute)]
    return {e.route.path.text: e for e in entries}


def test_a_name_of_one_file_is_known_in_all_and_its_keys_are_below_its_folder() -> None:
    team = 'identities: {team: {issuer: "https://t", audience: c, jwks: {file: keys.json}}}\n'
    made = built(
        g__gateway=f"version: 1\n{IDP}defaults: {{auth: team}}\nroutes: [{{path: /a, {ANSWER}}}]\n",
        g__teams__a=f"{team}defaults: {{auth: idp}}\nroutes: [{{path: /b, {ANSWER}}}]\n",
    )
    assert told(made) == []
    assert {s.origin: s.at for s in made.key_sources} == {
        Origin.FILE: "teams/keys.json",
        Origin.DISCOVERY: "https://a.b",
    }
    assert made.calls == {EXTAUTHZ}
    assert set(made.services) == {EXTAUTHZ, RATELIMIT}


def test_replicas_in_different_folders_serve_the_same() -> None:
    text = f"version: 1\n{IDP}defaults: {{auth: idp}}\nroutes: [{{path: /a, {ANSWER}}}]\n"
    text = text.replace("audience: c", "audience: c, jwks: {file: k/a.json}")
    one, other = built(here__gateway=text), built(srv__there__gateway=text)
    assert one.services == other.services
    assert one.key_sources == other.key_sources


def test_what_is_inherited_is_resolved_once() -> None:
    routes = f"[{{path: /a, {ANSWER}}}, {{path: /b, {ANSWER}}}, {{path: /c, auth: idp, {ANSWER}}}]"
    made = built(g=f"version: 1\n{IDP}defaults: {{auth: idp}}\nroutes: {routes}\n")
    found = {path: route.settings[0].value for path, route in planned(made).items()}
    assert isinstance(found["/a"], Pipeline)
    assert found["/a"] is found["/b"]
    assert found["/a"] == found["/c"]
    placements = planned(made)["/a"].placements
    assert next((p.key, p.where) for p in placements) == ("auth", "extauthz")


def test_an_unread_kind_hides_no_more_mistakes() -> None:
    made = built(
        g=f"version: 1\nidentities: idp\nroutes: [{{path: /a, auth: idp, {ANSWER}}}]\n",
    )
    assert told(made) == ["g.yaml:2:13 error 'identities' holds a mapping"]


def test_routes_with_mistakes_name_things_all_the_same() -> None:
    route = f"{{path: /a, auth: ipd, methods: [get], {ANSWER}}}"
    made = built(g=f"version: 1\n{IDP}routes: [{route}]\n")
    assert [m.message for m in made.mistakes] == [
        "there is no identity 'ipd'",
        "'get': methods are case-sensitive",
    ]


def test_when_down_is_told_where_nothing_depends_on_it() -> None:
    text = f"version: 1\n{IDP}whenDown: {{jwks: {{useCachedFor: 24h}}}}\n"
    made = built(g=f"{text}routes: [{{path: /a, auth: idp, {ANSWER}}}]\n")
    assert told(made) == []
    assert made.keys_use_for_ms == 86_400_000
    inline = (
        "jwks: {keys: [{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}"
    )
    text = text.replace("audience: c", f"audience: c, {inline}")
    made = built(g=f"{text}routes: [{{path: /a, auth: idp, {ANSWER}}}]\n")
    assert told(made) == ["g.yaml:3:12 error 'jwks' has no effect: nothing here depends on it"]


def altered(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let `auth`, an atom, behave in another way."""
    keys: Mapping[str, RouteKey] = MappingProxyType(
        {**route_keys(), "auth": replace(route_keys()["auth"], **changes)}
    )
    for module in (settle, inherit):
        monkeypatch.setattr(module, "route_keys", lambda: keys, raising=False)
    monkeypatch.setattr("controlplane.model.routes.route_keys", lambda: keys)


def test_an_atom_may_extend_what_it_inherits(monkeypatch: pytest.MonkeyPatch) -> None:
    def extended(own: Any, above: Any) -> Any:
        if above is None:
            return Fault(path=(), message="nothing is inherited")
        return replace(own, scopes=(*above.scopes, *own.scopes))

    altered(monkeypatch, extended=extended)
    route = f"{{path: /a, auth: {{anyOf: [idp], scopes: [b]}}, {ANSWER}}}"
    inherited = "defaults: {auth: {anyOf: [idp], scopes: [a]}}\n"
    made = built(g=f"version: 1\n{IDP}{inherited}routes: [{route}]\n")
    assert planned(made)["/a"].settings[0].value.scopes == ("a", "b")
    made = built(g=f"version: 1\n{IDP}routes: [{route}]\n")
    assert told(made) == ["g.yaml:3:21 error nothing is inherited"]


def test_a_clash_is_told_at_the_route_that_inherits_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def clashes(_settings: Any, others: Mapping[str, Any]) -> Iterable[Fault]:
        if "respond" in others:
            yield Fault(path=(), message="not here")

    altered(monkeypatch, clashes=clashes)
    routes = f"[{{path: /a, {ANSWER}}}, {{path: /b, auth: idp, {ANSWER}}}]"
    made = built(g=f"version: 1\n{IDP}defaults: {{auth: idp}}\nroutes: {routes}\n")
    assert told(made) == ["g.yaml:4:11 error not here", "g.yaml:4:63 error not here"]
