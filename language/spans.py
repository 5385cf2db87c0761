"""The texts of a YAML document with where each begins and ends in its source."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from language.source import Source


class Span(NamedTuple):
    """A key or value: what it says, and the characters that say it, with quotes and escapes.

    `keys` are those of the maps that it is in, its own last where it is a value.
    """

    text: str
    is_key: bool
    keys: tuple[str, ...]
    start: int
    end: int


def spans(source: Source) -> Iterator[Span]:
    """Give all of them in file order. Raises yaml.YAMLError where there is no reading on."""
    within: list[tuple[bool, str | None]] = []  # whether a map, and the key whose value comes next
    events: Iterator[Any] = iter(yaml.CSafeLoader(source.parsed).get_event, None)
    for event in events:
        if isinstance(event, CollectionEndEvent):
            within.pop()
            _pass(within, None)
        elif isinstance(event, ScalarEvent):
            keys = tuple(key for _, key in within if key is not None)
            is_key = bool(within) and within[-1] == (True, None)
            marks: tuple[Any, Any] = event.start_mark, event.end_mark
            yield Span(event.value, is_key, keys, marks[0].index, marks[1].index)
            _pass(within, event.value)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            within.append((isinstance(event, MappingStartEvent), None))
        elif isinstance(event, AliasEvent):
            _pass(within, None)


def _pass(within: list[tuple[bool, str | None]], text: str | None) -> None:
    """Go on behind a node: a map's key is followed by its value."""
    if within and within[-1][0]:
        within[-1] = (True, (text or "") if within[-1][1] is None else None)
