"""The types that settings are made of: texts that become numbers, durations, names and paths.

Each is an annotated type for pydantic with its JSON Schema beside it. A scalar of the file arrives
as text (`Quoted` where it stood in quotes), so that what it means is its key's to say: `no`, `0777`
and `1.10` stay text where text is wanted, and a number is a number only without quotes.
"""

import re
from collections.abc import Callable
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from language.paths import PathPattern, PathTemplate, parse_pattern, parse_template
from language.segments import MalformedPathError
from language.suggest import nearest

JsonSchema: TypeAlias = dict[str, object]

_INTEGER = re.compile(r"0|[1-9][0-9]{0,17}")
_PERCENT = re.compile(r"(0|[1-9][0-9]?|100)%")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


class Quoted(str):
    """A text that stood in quotes or in a block, and so is text whatever it looks like."""

    __slots__ = ()


def fault(
    message: str,
    hint: str = "",
    offset: int = 0,
    at: str | int | None = None,
    *,
    hidden: bool = False,
) -> PydanticCustomError:
    """Describe what is wrong with a value.

    `offset` counts characters into a scalar's text; `at` is the key or position that is meant
    where the value is a mapping or a list. What is `hidden` may be a secret: no report shows it.
    """
    return PydanticCustomError(
        "scalar",
        "{message}",
        {
            "message": message,
            "hint": hint,
            "offset": offset,
            "at": at,
            "below": False,
            "hidden": hidden,
        },
    )


def below(error: PydanticCustomError, key: str) -> PydanticCustomError:
    """What is wrong with the value of a key, told of the mapping that the key stands in."""
    context = error.context or {}
    return PydanticCustomError("scalar", "{message}", {**context, "at": key, "below": True})


def one_text(value: object, hint: str = "write one text") -> str:
    """The text of a scalar; raise a fault for a list or a mapping."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        raise fault("one value is wanted here, not a list", "leave the brackets or the dashes out")
    raise fault("one value is wanted here, not a mapping", hint)


def words(what: str, *choices: str) -> tuple[BeforeValidator, WithJsonSchema]:
    """Annotations of a text that is one of a few words."""

    def read(value: object) -> str:
        text = one_text(value)
        if text not in choices:
            near = nearest(text, choices)
            one_of = choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
            hint = f"did you mean {near}?" if near else f"write {one_of}"
            raise fault(f"'{text}' is not {what}", hint)
        return str(text)

    return BeforeValidator(read), WithJsonSchema({"enum": list(choices)})


def codes(what: str, *choices: int) -> tuple[BeforeValidator, WithJsonSchema]:
    """Annotations of a status that is one of a few."""

    def read(value: object) -> int:
        text = one_text(value)
        if isinstance(value, Quoted):
            raise fault("a number is wanted here, not a text", "leave the quotes out")
        if text not in {str(code) for code in choices}:
            raise fault(f"'{text}' is not {what}", f"write one of {', '.join(map(str, choices))}")
        return int(text)

    return BeforeValidator(read), WithJsonSchema({"enum": list(choices)})


def _integer(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        text = one_text(value, f"write a number from {low} to {high}")
        if isinstance(value, Quoted):
            raise fault("a number is wanted here, not a text", "leave the quotes out")
        if not _INTEGER.fullmatch(text):
            percent = text.endswith("%") and _INTEGER.fullmatch(text[:-1])
            hint = "leave the % out" if percent else f"write one from {low} to {high}"
            raise fault(f"'{text}' is not a whole number", hint)
        if not low <= int(text) <= high:
            raise fault(f"{text} is out of range", f"write a number from {low} to {high}")
        return int(text)

    return read


def integer(low: int, high: int) -> tuple[BeforeValidator, WithJsonSchema]:
    """Annotations of a whole number between two bounds, both allowed."""
    schema: JsonSchema = {"type": "integer", "minimum": low, "maximum": high}
    return BeforeValidator(_integer(low, high)), WithJsonSchema(schema)


def _percent(value: object) -> int:
    text = one_text(value)
    if not _PERCENT.fullmatch(text):
        digits = re.fullmatch(r"[1-9]?[0-9]|100", text)
        hint = f"write {text}%" if digits else "write a whole one from 0% to 100%"
        raise fault(f"'{text}' is not a percentage", hint)
    return int(text[:-1])


Percent: TypeAlias = Annotated[
    int,
    BeforeValidator(_percent),
    WithJsonSchema({"type": "string", "pattern": "^(0|[1-9][0-9]?|100)%$"}),
]
"""A whole percentage, 0 to 100."""


VALUE_BYTES = 8192
"""The most that a header's value holds: Envoy takes 16 KiB, in which each percent sign is two."""


def one_line(value: object) -> str:
    """The text of a scalar that may stand in a header or a parameter; raise a fault if not."""
    text = one_text(value)
    if len(text) > VALUE_BYTES:
        message = f"{len(text)} characters are too many for a header or a parameter"
        raise fault(message, f"write at most {VALUE_BYTES}")
    for offset, char in enumerate(text):
        if not " " <= char <= "~":
            shown = f"U+{ord(char):04X}"
            raise fault(f"{shown} cannot stand in a header or a parameter", offset=offset)
    if text != text.strip(" "):
        raise fault("spaces around a value never arrive", "leave them out")
    return text


def _flag(value: object) -> bool:
    text = one_text(value, "write true or false")
    if isinstance(value, Quoted) or text not in {"true", "false"}:
        raise fault(f"'{text}' is neither true nor false", "write true or false, without quotes")
    return text == "true"


Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
"""`true` or `false`."""


def _yes(value: object) -> bool:
    if not _flag(value):
        raise fault("'false' switches nothing off here", "leave the key out")
    return True


Yes: TypeAlias = Annotated[bool, BeforeValidator(_yes), WithJsonSchema({"const": True})]
"""`true` alone: what is off unless it is asked for."""

TEXT_SCHEMA: JsonSchema = {"type": ["string", "number", "boolean"]}
"""What editors take an unquoted text for: `1.10` is a number to them, and `true` a truth."""

Text: TypeAlias = Annotated[
    str, BeforeValidator(lambda v: str(one_text(v))), WithJsonSchema(TEXT_SCHEMA)
]
"""Any text."""
Line: TypeAlias = Annotated[str, BeforeValidator(one_line), WithJsonSchema(TEXT_SCHEMA)]
"""A text of one line in printable ASCII: what a header or a parameter may hold."""


def _no_repeats(value: object) -> object:
    if isinstance(value, list):
        seen: set[str] = set()
        for position, item in enumerate(value):
            if not isinstance(item, str):
                continue
            if item.lower() in seen:
                raise fault(f"'{item}' stands twice", "keep one", at=position)
            seen.add(item.lower())
    return value


UNIQUE = BeforeValidator(_no_repeats)
"""An annotation of a list in which nothing stands twice, whatever its case."""


def _distinct(value: object) -> object:
    if isinstance(value, list):
        for position, item in enumerate(value):
            if isinstance(item, str) and item in value[:position]:
                raise fault(f"'{item}' stands twice", "keep one", at=position)
    return value


DISTINCT = BeforeValidator(_distinct)
"""The same of a list in which case matters."""


def _word(pattern: re.Pattern[str], what: str, hint: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = one_text(value)
        if not pattern.fullmatch(text):
            raise fault(f"'{text}' is not {what}", hint)
        return text

    return read


def is_name(text: str) -> bool:
    """Whether a text can be a name at all."""
    return _NAME.fullmatch(text) is not None


Name: TypeAlias = Annotated[
    str,
    BeforeValidator(_word(_NAME, "a name", "letters, digits, '-', '_' and '.', at most 63")),
    WithJsonSchema({**TEXT_SCHEMA, "pattern": f"^{_NAME.pattern}$"}),
]
"""The name of a backend: letters, digits, `-`, `_` and `.`, at most 63."""


def path(value: object) -> PathPattern:
    """Read a path to match; raise a fault where it is none."""
    try:
        return parse_pattern(one_text(value, "write one path, such as /a/**"))
    except MalformedPathError as error:
        raise fault(error.message, error.hint, error.offset) from None


def _template(value: object) -> PathTemplate:
    try:
        return parse_template(one_text(value, "write one path, such as /a"))
    except MalformedPathError as error:
        raise fault(error.message, error.hint, error.offset) from None


Path: TypeAlias = Annotated[
    PathPattern, BeforeValidator(path), WithJsonSchema({"type": "string", "pattern": "^/"})
]
"""A path to match: `/a`, `/a/**`, `/a/{x}/b`, `/a/{rest=**}`."""

NewPath: TypeAlias = Annotated[
    PathTemplate, BeforeValidator(_template), WithJsonSchema({"type": "string", "pattern": "^/"})
]
"""A path to make, with the variables of the path that matched."""
