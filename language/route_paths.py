"""The path of a route: a pattern, or an expression on the whole of it."""

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.matches import regex_text
from language.paths import PathPattern, regex_pattern
from language.scalars import TEXT_SCHEMA, fault, path


def _route_path(value: object) -> PathPattern:
    if not isinstance(value, dict):
        return path(value)
    for name in value:
        if name != "regex":
            raise fault(f"unknown key '{name}'", "write /a/**, or {regex: …}", at=name)
    if not value:
        raise fault("a path is missing", "write /a/**, or {regex: …}")
    return regex_pattern(regex_text(value["regex"]))


RoutePath: TypeAlias = Annotated[
    PathPattern,
    BeforeValidator(_route_path),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^/"},
                {
                    "type": "object",
                    "properties": {"regex": TEXT_SCHEMA},
                    "required": ["regex"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
"""`/a`, `/a/**`, `/a/{x}/b`, `/a/{rest=**}`, or `{regex: …}`."""
