"""The JSON Schema of a gateway file, made from the model: for editors, and for `foregate docs`."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from controlplane.model.file import HOSTS
from controlplane.model.gateway import Listen, Match, Target
from controlplane.model.keys import backend_keys, decoder, named_keys, route_keys
from policies.contract import Key, WhenDown

Schema: TypeAlias = dict[str, Any]
_NONE: Schema = {"const": "none"}


def json_schema() -> Schema:
    """The whole schema, draft 2020-12, with each definition once."""
    definitions: Schema = {}
    listen = _own(TypeAdapter(Listen), definitions)
    match = _own(TypeAdapter(Match), definitions)
    target = _own(TypeAdapter(Target), definitions)
    when_down = _own(TypeAdapter(WhenDown), definitions)
    named = {
        name: {
            "type": "object",
            "description": f"{key.summary}\n{key.example}",
            "additionalProperties": _own(decoder(key).adapter, definitions),
        }
        for name, key in named_keys().items()
    }
    hosts = _own(HOSTS.adapter, definitions)
    routes = {name: _key(key, definitions) for name, key in route_keys().items()}
    backends = {name: _key(key, definitions) for name, key in backend_keys().items()}
    route = {
        "type": "object",
        "properties": {**_properties(match, definitions), **routes},
        "allOf": [
            {"oneOf": [{"required": ["path"]}, {"required": ["grpc"]}]},
            {"oneOf": [{"required": [action]} for action in ("to", "redirect", "respond")]},
        ],
        "additionalProperties": False,
    }
    backend = {
        "type": "object",
        "properties": {**_properties(target, definitions), **backends},
        "oneOf": [{"required": ["url"]}, {"required": ["endpoints"]}],
        "additionalProperties": False,
    }
    url = _properties(target, definitions)["url"]
    inherited = {n: s for n, s in routes.items() if route_keys()[n].inherited}
    below = {n: s for n, s in backends.items() if backend_keys()[n].inherited}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Foregate gateway file",
        "type": "object",
        "properties": {
            "version": {"const": 1, "description": "The version of the language: 1."},
            "listen": {**listen, "description": "Where clients connect."},
            "hosts": {
                **hosts,
                "minItems": 1,
                "description": "The hosts of this file's routes: names, *.name, or * for any.",
            },
            "defaults": {
                "type": "object",
                "description": "Inherited by every route of this file; a route overrides.",
                "properties": {
                    **inherited,
                    "backend": {
                        "type": "object",
                        "description": "Inherited by every backend of this file.",
                        "properties": below,
                        "additionalProperties": False,
                    },
                },
                "additionalProperties": False,
            },
            **named,
            "backends": {
                "type": "object",
                "description": "Where requests go, by name: a URL, or url and settings.",
                "additionalProperties": {"anyOf": [url, backend]},
            },
            "routes": {
                "type": "array",
                "description": "What is answered, and how; their order means nothing.",
                "items": route,
            },
            "whenDown": {
                **when_down,
                "description": "What holds while Redis, a service or an issuer does not answer.",
            },
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


def _own(adapter: TypeAdapter[Any], definitions: Schema) -> Schema:
    """A type's schema; what it refers to is added to the definitions."""
    schema = adapter.json_schema()
    definitions.update(_plain(schema.pop("$defs", {})))
    return _without_titles(schema)


def _plain(definitions: Mapping[str, Schema]) -> Schema:
    return {name: _without_titles(schema) for name, schema in definitions.items()}


def _without_titles(schema: Schema) -> Schema:
    """Drop the titles that pydantic derives from names, and the docstrings of our classes."""
    kept = {k: v for k, v in schema.items() if k not in {"title", "default"}}
    if "properties" in kept:
        kept["properties"] = {n: _without_titles(p) for n, p in kept["properties"].items()}
        kept.pop("description", None)
    if "anyOf" in kept:
        choices = [_without_titles(c) for c in kept["anyOf"] if c != {"type": "null"}]
        kept["anyOf"] = choices
        if len(choices) == 1:
            kept.pop("anyOf")
            kept.update(choices[0])
    return kept


def _properties(schema: Schema, definitions: Schema) -> Schema:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    properties: Schema = schema["properties"]
    return properties


def _key(key: Key, definitions: Schema) -> Schema:
    schema = _own(decoder(key).adapter, definitions)
    if key.inherited and not key.required:
        _allow_none(schema, definitions)
        schema = {"anyOf": [schema, _NONE]}
    return {**schema, "description": f"{key.summary}\n{key.example}"}


def _allow_none(schema: Schema, definitions: Schema) -> None:
    """Let `none` switch off each key that a mapping may go without."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", ())
    for name, below in schema.get("properties", {}).items():
        if name not in required and _NONE not in below.get("anyOf", ()):
            described = below.pop("description", None)
            inner = dict(below)
            below.clear()
            below["anyOf"] = [inner, _NONE]
            if described:
                below["description"] = described
