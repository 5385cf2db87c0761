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

from language.paths import (
    MalformedPathError,
    PathPattern,
    PathTemplate,
    parse_pattern,
    parse_template,
)

JsonSchema: TypeAlias = dict[str, object]

_INTEGER = re.compile(r"0|[1-9][0-9]{0,17}")
_DURATION = re.compile(r"(0|[1-9][0-9]{0,8})(ms|s|m|h|d)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PERCENT = re.compile(r"(0|[1-9][0-9]?|100)%")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


class Quoted(str):
    """A text that stood in quotes or in a block, and so is text whatever it looks like."""

    __slots__ = ()


def fault(
    message: str, hint: str = "", offset: int = 0, at: str | int | None = None
) -> PydanticCustomError:
    """Describe what is wrong with a value.

    `offset` counts characters into a scalar's text; `at` is the key or position that is meant
    where the value is a mapping or a list.
    """
    return PydanticCustomError(
        "scalar",
        "{message}",
        {"message": message, "hint": hint, "offset": offset, "at": at},
    )


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    found = "a list" if isinstance(value, list) else "a mapping"
    raise fault(f"one value is wanted here, not {found}")


def _integer(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        text = _text(value)
        if isinstance(value, Quoted):
            raise fault("a number is wanted here, not a text", "leave the quotes out")
        if not _INTEGER.fullmatch(text):
            raise fault(f"'{text}' is not a whole number", f"write one from {low} to {high}")
        if not low <= int(text) <= high:
            raise fault(f"{text} is out of range", f"write a number from {low} to {high}")
        return int(text)

    return read


def integer(low: int, high: int) -> tuple[BeforeValidator, WithJsonSchema]:
    """Annotations of a whole number between two bounds, both allowed."""
    schema: JsonSchema = {"type": "integer", "minimum": low, "maximum": high}
    return BeforeValidator(_integer(low, high)), WithJsonSchema(schema)


def _duration(value: object) -> int:
    text = _text(value)
    found = _DURATION.fullmatch(text)
    if not found:
        digits = re.fullmatch(r"[0-9]+", text)
        hint = f"write {text}s or {text}ms" if digits else "write 300ms, 3s, 5m, 1h or 1d"
        raise fault(f"'{text}' is not a duration", hint)
    milliseconds = int(found[1]) * _MILLISECONDS[found[2]]
    if not 1 <= milliseconds <= _MILLISECONDS["d"] * 365:
        raise fault(f"{text} is out of range", "write a duration from 1ms to 365d")
    return milliseconds


Milliseconds: TypeAlias = Annotated[
    int,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": r"^(0|[1-9][0-9]{0,8})(ms|s|m|h|d)$"}),
]
"""A duration (`300ms`, `3s`, `5m`, `1h`, `1d`), in milliseconds."""


def _percent(value: object) -> int:
    text = _text(value)
    if not _PERCENT.fullmatch(text):
        raise fault(f"'{text}' is not a percentage", "write a whole one, such as 50%")
    return int(text[:-1])


Percent: TypeAlias = Annotated[
    int,
    BeforeValidator(_percent),
    WithJsonSchema({"type": "string", "pattern": "^(0|[1-9][0-9]?|100)%$"}),
]
"""A whole percentage, 0 to 100."""


def _line(value: object) -> str:
    text = _text(value)
    for offset, char in enumerate(text):
        if not " " <= char <= "~":
            shown = f"U+{ord(char):04X}"
            raise fault(f"{shown} cannot stand in a header or a parameter", offset=offset)
    if text != text.strip(" "):
        raise fault("spaces around a value never arrive", "leave them out")
    return text


_TEXT_SCHEMA: JsonSchema = {"type": ["string", "number", "boolean"]}
Text: TypeAlias = Annotated[
    str, BeforeValidator(lambda v: str(_text(v))), WithJsonSchema(_TEXT_SCHEMA)
]
"""Any text."""
Line: TypeAlias = Annotated[str, BeforeValidator(_line), WithJsonSchema(_TEXT_SCHEMA)]
"""A text of one line in printable ASCII: what a header or a parameter may hold."""


def _parameter(refused: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = _line(value)
        for offset, char in enumerate(text):
            if char in refused:
                hint = f"parameters are compared as they are sent: write %{ord(char):02X}"
                raise fault(f"{char!r} never arrives in a parameter", hint, offset)
        return text

    return read


Parameter: TypeAlias = Annotated[
    str, BeforeValidator(_parameter(' "#<>&=')), WithJsonSchema(_TEXT_SCHEMA)
]
"""The name of a query parameter, as it is sent."""
ParameterValue: TypeAlias = Annotated[
    str, BeforeValidator(_parameter(' "#<>&')), WithJsonSchema(_TEXT_SCHEMA)
]
"""The value of a query parameter, as it is sent."""


def _header_name(value: object) -> str:
    text = _text(value)
    if text.startswith(":"):
        raise fault(f"'{text}' is a pseudo header", "match with path, methods and hosts")
    if not _TOKEN.fullmatch(text):
        raise fault(f"'{text}' is not a header's name", "letters, digits and '-'")
    if "_" in text:
        hint = f"write {text.replace('_', '-')}"
        raise fault(f"'{text}': the gateway refuses requests whose headers hold '_'", hint)
    return text.lower()


HeaderName: TypeAlias = Annotated[
    str, BeforeValidator(_header_name), WithJsonSchema({"type": "string"})
]
"""A header's name, in lower case."""


def _no_twins(value: object) -> object:
    if isinstance(value, dict):
        seen: set[str] = set()
        for name in value:
            if name.lower() in seen:
                raise fault(f"'{name}' stands twice: names of headers have no case", at=name)
            seen.add(name.lower())
    return value


Headers: TypeAlias = Annotated[dict[HeaderName, Line], BeforeValidator(_no_twins)]
"""Headers by name, in lower case."""


def _no_repeats(value: object) -> object:
    if isinstance(value, list):
        for position, item in enumerate(value):
            if isinstance(item, str) and item in value[:position]:
                raise fault(f"'{item}' stands twice", "keep one", at=position)
    return value


UNIQUE = BeforeValidator(_no_repeats)
"""An annotation of a list in which nothing stands twice."""


def _word(pattern: re.Pattern[str], what: str, hint: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = _text(value)
        if not pattern.fullmatch(text):
            raise fault(f"'{text}' is not {what}", hint)
        return text

    return read


Name: TypeAlias = Annotated[
    str,
    BeforeValidator(_word(_NAME, "a name", "letters, digits, '-', '_' and '.', at most 63")),
    WithJsonSchema({"type": ["string", "number"], "pattern": f"^{_NAME.pattern}$"}),
]
"""The name of a backend: letters, digits, `-`, `_` and `.`, at most 63."""


def _method(value: object) -> str:
    text = _text(value)
    if not _TOKEN.fullmatch(text):
        raise fault(f"'{text}' is not a method")
    if text != text.upper():
        raise fault(f"'{text}': methods are case-sensitive", f"write {text.upper()}")
    if text in {"CONNECT", "TRACE"}:
        raise fault(f"{text} is refused by the gateway")
    return text


Method: TypeAlias = Annotated[
    str,
    BeforeValidator(_method),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [
                {"enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]},
                {"pattern": "^[A-Z][A-Z0-9-]*$"},
            ],
        }
    ),
]
"""A request method in capital letters."""


def host_name(text: str) -> str:
    """Check a DNS name or an IPv4 address in lower case; raise a fault where it is none."""
    if text != text.lower():
        raise fault(f"'{text}': hosts are lower case", f"write {text.lower()}")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        hint = "leave the dot at the end out" if text.endswith(".") else ""
        if not text.isascii():
            hint = f"write {text.encode('idna').decode()}" if _encodable(text) else "write punycode"
        raise fault(f"'{text}' is not a host name", hint)
    return text


def _encodable(text: str) -> bool:
    try:
        text.encode("idna")
    except UnicodeError:
        return False
    return True


def _host(value: object) -> str:
    text = _text(value)
    if text == "*":
        return text
    if "://" in text or "/" in text:
        bare = re.sub(r"^[a-z]+://", "", text).split("/")[0]
        raise fault(f"'{text}': a host has no scheme and no path", f"write {bare}")
    if re.search(r":[0-9]+$", text) and text.count(":") == 1:
        raise fault("a host has no port: it is ignored", f"write {text.rpartition(':')[0]}")
    if text.startswith("[") and text.endswith("]"):
        if not re.fullmatch(r"\[[0-9a-f:]+\]", text):
            raise fault(f"'{text}' is not an IPv6 address")
        return text
    if text.startswith("*."):
        host_name(text[2:])
        return text
    if "*" in text:
        raise fault("a wildcard is the first label only", 'write "*.example.com"')
    return host_name(text)


Host: TypeAlias = Annotated[str, BeforeValidator(_host), WithJsonSchema({"type": "string"})]
"""A host to match: a name, `*.` and a name, or `*` for any."""


def _path(value: object) -> PathPattern:
    try:
        return parse_pattern(_text(value))
    except MalformedPathError as error:
        raise fault(error.message, error.hint, error.offset) from None


def _template(value: object) -> PathTemplate:
    try:
        return parse_template(_text(value))
    except MalformedPathError as error:
        raise fault(error.message, error.hint, error.offset) from None


Path: TypeAlias = Annotated[
    PathPattern, BeforeValidator(_path), WithJsonSchema({"type": "string", "pattern": "^/"})
]
"""A path to match: `/a`, `/a/**`, `/a/{x}/b`, `/a/{rest=**}`."""

NewPath: TypeAlias = Annotated[
    PathTemplate, BeforeValidator(_template), WithJsonSchema({"type": "string", "pattern": "^/"})
]
"""A path to make, with the variables of the path that matched."""
