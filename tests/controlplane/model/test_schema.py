"""The JSON Schema of editors: it takes what is right and refuses what it can see to be wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from controlplane.model.schema import json_schema

ROOT = Path(__file__).parents[3]
SCHEMA = Draft202012Validator(json_schema())
RIGHT = """
version: 1
listen: {http: 8080}
identities: {idp: {issuer: "https://a", audience: [b]}, keys: {apiKey: {header: x-a}}}
consumers: {bob: {key: "sha256:${X}"}, eve: {keys: [{hash: {file: x}}]}}
whenDown: {jwks: {useCachedFor: 1h}}
hosts: [a.b]
defaults: {auth: none, retry: {attempts: 2}, backend: {caps: {connections: 1}}}
backends: {a: "http://a", b: {endpoints: ["1.2.3.4:80"], caps: {connections: none, pending: 2}}}
routes: [{path: /a, retry: none, to: a}, {path: /b, methods: [GET], to: {a: 90, b: 10}}]
"""


def changed(*path: str | int, to: Any) -> Any:
    document = yaml.safe_load(RIGHT)
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return document


def test_what_is_right_is_taken() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert SCHEMA.is_valid(yaml.safe_load(RIGHT))
    assert SCHEMA.is_valid(yaml.safe_load((ROOT / "examples/shop/gateway.yaml").read_text()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("versoin",), 1),
        (("listen", "http"), 0),
        (("hosts",), "a.b"),
        (("defaults", "redirect"), {"path": "/a"}),
        (("defaults", "auth"), {"anyOf": "idp"}),
        (("identities",), {"idp": {"issuer": "idp"}}),
        (("consumers",), {"bob": {"keys": [{"scopes": ["a"]}]}}),
        (("whenDown",), {"redis": "maybe"}),
        (("defaults", "retry", "attempts"), "many"),
        (("defaults", "backend", "timeout"), "3s"),
        (("backends", "a"), "a"),
        (("backends", "b", "url"), "http://a"),
        (("backends", "b", "balance"), "least"),
        (("routes", 0, "path"), "a"),
        (("routes", 0, "respond"), {"status": 200}),
        (("routes", 0, "timeout"), 3),
        (("routes", 1, "to"), {"a": "90%"}),
        (("routes", 1, "methods"), ["get"]),
        (("routes", 1, "cors"), {}),
    ],
)
def test_what_is_wrong_is_refused(path: tuple[str | int, ...], value: Any) -> None:
    assert not SCHEMA.is_valid(changed(*path, to=value))


def test_every_key_says_what_it_is() -> None:
    def below(schema: Any, way: str) -> list[str]:
        if not isinstance(schema, dict):
            return []
        missing = []
        for name, one in schema.get("properties", {}).items():
            if "description" not in one:
                missing.append(f"{way}.{name}")
            missing += below(one, f"{way}.{name}")
        return missing + below(schema.get("items"), f"{way}[]")

    assert below(json_schema(), "") == []
    json.dumps(json_schema())
