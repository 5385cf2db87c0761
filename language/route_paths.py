"""The path of a route: a pattern, or an expression on the whole of it."""

import re
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from language.arriving import NO_PATHS, PATH, never
from language.matches import regex_text
from language.paths import PathPattern, regex_pattern
from language.regexes import bounds
from language.scalars import TEXT_SCHEMA, below, fault, path
from language.suggest import nearest


def _route_path(value: object) -> PathPattern:
    if not isinstance(value, dict):
        return path(value)
    for name in value:
        if name != "regex":
            near = nearest(name, ("regex",))
            hint = "did you mean 'regex'?" if near else "write /a/**, or {regex: …}"
            raise fault(f"unknown key '{name}'", hint, at=name)
    if not value:
        raise fault("a path is missing", "write /a/**, or {regex: …}")
    try:
        return _expression(value["regex"])
    except PydanticCustomError as error:
        raise below(error, "regex") from None


def _expression(value: object) -> PathPattern:
    text = regex_text(value)
    if text.strip("^$") in _EVERY:
        raise fault("every path matches this", "write path: /**")
    found = bounds(text)
    if found is not None and (found.high < b"/" or found.low >= b"0"):
        raise fault("no path matches this expression", _why(text))
    if never(text, PATH, NO_PATHS):
        raise fault("no path matches this expression", _why(text))
    return regex_pattern(text)


_VARIABLE = re.compile(r"\{[A-Za-z_]\w*\}")


def _why(text: str) -> str:
    """What keeps every path from an expression."""
    if never(text, r"/(?:.|\n)*"):
        whole = f"/{text}" if text[0].isalnum() else f"/.*{text}"
        meant = "/…" if never(whole, PATH, NO_PATHS) else whole
        return f"each path starts with '/': write {meant}"
    if never(text, "[^?#]*"):
        return "the query is no part of the path: match it with query"
    if never(text, PATH):
        if _VARIABLE.search(text):
            return "an expression knows no variables: write path: /users/{id}, without regex"
        return "paths hold their other characters escaped: { as %7B, a space as %20"
    return "paths are compared without '//', '/./', '/../', %2F and %5C"


_EVERY = frozenset({".*", ".+", "/.*", "(.*)", "(/.*)", "(/.*)?", "/?.*", "/(.*)", "(?:/.*)?"})
"""How one writes every path."""

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
