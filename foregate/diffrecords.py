"""A difference in `-o json`: these keys are a promise to scripts."""

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TypeAlias

from pydantic.alias_generators import to_camel

from controlplane.difference.difference import Difference
from language.places import Place
from language.report import without_password

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

PAIRS = frozenset({"headers", "query"})
"""Fields that hold names and values."""


def records(found: Difference, sides: tuple[str, str]) -> dict[str, Json]:
    """Everything, as what `json.dumps` takes; field names become camelCase."""
    made = _record(found)
    return {
        "before": sides[0],
        "after": sides[1],
        "same": found.same,
        "weaker": bool(found.weakenings),
        **(made if isinstance(made, dict) else {}),
    }


def _record(value: object) -> Json:
    if isinstance(value, Place):
        return {"file": value.file, "line": value.line, "column": value.column}
    if is_dataclass(value) and not isinstance(value, type):
        return {to_camel(f.name): _field(f.name, getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (tuple, list)):
        return [_record(one) for one in value]
    if isinstance(value, (bool, int)) or value is None:
        return value
    return without_password(str(value))


def _field(name: str, value: object) -> Json:
    if name in PAIRS and isinstance(value, tuple):
        return {key: _record(text) for key, text in value}
    if name == "path" and isinstance(value, tuple):
        return "".join(f"/{segment}" for segment in value)
    return _record(value)
