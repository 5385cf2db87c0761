"""Settings as their users write them: every duration that there is, of every key."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from pydantic import TypeAdapter, WithJsonSchema

from controlplane.difference.words import duration, words
from controlplane.model.gateway import Listen
from controlplane.model.keys import backend_keys, named_keys, route_keys
from policies.contract import WhenDown

WRITTEN = ("2s", "90s", "1m", "5m")
"""Texts that every duration of the language takes."""


def types() -> Iterator[tuple[str, object]]:
    """The type of all that a file may say, by its key."""
    for keys in (route_keys(), backend_keys(), named_keys()):
        for name, key in keys.items():
            yield name, key.settings
    yield from (("listen", Listen), ("whenDown", WhenDown))


def durations(name: str, of: object) -> Iterator[tuple[str, object]]:
    """Each duration below a type: one that editors are told is a number with a unit of time."""
    if get_origin(of) is Annotated and any(map(_of_time, get_args(of))):
        yield name, of
    for below in get_args(of):
        yield from durations(name, below)
    if is_dataclass(of) and isinstance(of, type):
        hints = get_type_hints(of, include_extras=True)
        for field in fields(of):
            yield from durations(f"{name}.{field.name}", hints[field.name])


def _of_time(one: object) -> bool:
    said = one.json_schema if isinstance(one, WithJsonSchema) else None
    return "(ms|s|m|h|d)" in str((said or {}).get("pattern", ""))


FOUND = [one for name, of in types() for one in durations(name, of)]


def test_durations_are_found() -> None:
    names = {name for name, _ in FOUND}
    known = {"timeout", "cors.max_age", "slowStart", "identities.leeway", "sticky.ttl"}
    assert known <= names, names
    assert len(names) >= 14


@pytest.mark.parametrize("of", [of for _, of in FOUND], ids=[name for name, _ in FOUND])
@pytest.mark.parametrize("text", WRITTEN)
def test_a_duration_is_told_as_it_is_written(of: Any, text: str) -> None:
    value = TypeAdapter(of).validate_python(text)
    ((key, said),) = words("key", value, of)
    assert (key, said.replace("1m", "60s")) == ("key", text.replace("1m", "60s"))


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (1500, "1500ms"),
        (90_000, "90s"),
        (3_600_000, "1h"),
        (172_800_000, "2d"),
    ],
)
def test_in_the_largest_unit_that_has_it_whole(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text
