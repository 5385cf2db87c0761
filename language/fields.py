"""The types of what a request is made of: methods, headers and parameters."""

import re
from collections.abc import Callable
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from language.scalars import TEXT_SCHEMA, Line, fault, one_line, one_text
from language.suggest import nearest

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""The methods of RFC 9110 that the gateway lets pass, and PATCH."""

OTHER_METHODS = (
    *("ACL", "BIND", "CHECKOUT", "COPY", "LINK", "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR"),
    *("MKCOL", "MOVE", "MSEARCH", "NOTIFY", "PROPFIND", "PROPPATCH", "PURGE", "REBIND"),
    *("REPORT", "SEARCH", "SOURCE", "SUBSCRIBE", "UNBIND", "UNLINK", "UNLOCK", "UNSUBSCRIBE"),
)
"""What else Envoy takes over HTTP/1.1 (balsa_parser.cc; each was sent to an Envoy).

Of the methods that IANA lists no other arrives, nor does M-SEARCH (UPnP), which Envoy spells
without its hyphen. A method that never arrives would match nothing.
"""


_STEPS = 100
"""The largest RE2 program that Envoy takes; a letter is one step of it, and so is each choice."""


def _method(value: object) -> str:
    text = one_text(value)
    if text in METHODS or text in OTHER_METHODS:
        return str(text)
    if text in {"CONNECT", "TRACE"}:
        raise fault(f"{text} is refused by the gateway", "leave it out")
    if text.upper() == "M-SEARCH":
        raise fault(f"{text} never arrives: Envoy refuses it over HTTP/1.1", "leave it out")
    if text.upper() in METHODS or text.upper() in OTHER_METHODS:
        raise fault(f"'{text}': methods are case-sensitive", f"write {text.upper()}")
    near = nearest(text, METHODS) or nearest(text, OTHER_METHODS)
    hint = f"did you mean {near}?" if near else f"write one of {', '.join(METHODS)}"
    raise fault(f"'{text}' is not a method that Envoy takes", hint)


Method: TypeAlias = Annotated[
    str,
    BeforeValidator(_method),
    WithJsonSchema({"enum": [*METHODS, *OTHER_METHODS]}),
]
"""A request method in capital letters."""


def _tellable(methods: tuple[str, ...]) -> tuple[str, ...]:
    """Envoy tells several methods by one expression, whose program is bounded."""
    steps = 0
    for position, method in enumerate(methods):
        steps += len(method) + 1
        if steps > _STEPS:
            message = f"Envoy cannot tell more than {position} of these methods at once"
            raise fault(message, "leave the rest out, or write a second route", at=position)
    return methods


TELLABLE = AfterValidator(_tellable)
"""An annotation of a list of methods: not more than Envoy can tell from others."""


NAME_CHARACTERS = 1024
"""The most that the name of a header or a parameter holds; Envoy takes no longer parameter."""


def _short(text: str, what: str) -> None:
    if len(text) > NAME_CHARACTERS:
        message = f"{len(text)} characters are too many for the name of a {what}"
        raise fault(message, f"write at most {NAME_CHARACTERS}")


def _parameter(refused: str, *, name: bool = False) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = one_line(value)
        if name:
            _short(text, "parameter")
        for offset, char in enumerate(text):
            if char in refused:
                hint = f"parameters are compared as they are sent: write %{ord(char):02X}"
                raise fault(f"{char!r} never arrives in a parameter", hint, offset)
        return text

    return read


Parameter: TypeAlias = Annotated[
    str, BeforeValidator(_parameter(' "#<>&=', name=True)), WithJsonSchema(TEXT_SCHEMA)
]
"""The name of a query parameter, as it is sent."""
parameter_text = _parameter(' "#<>&')
"""Reads the value of a query parameter, as it is sent."""

ParameterValue: TypeAlias = Annotated[
    str, BeforeValidator(parameter_text), WithJsonSchema(TEXT_SCHEMA)
]
"""The value of a query parameter, as it is sent."""


def _header_name(value: object) -> str:
    text = one_text(value)
    if text.startswith(":"):
        raise fault(f"'{text}' is a pseudo header", "path, methods, hosts and rewrite say it")
    if not _TOKEN.fullmatch(text):
        hint = f"write {text[:-1]}: VALUE" if _TOKEN.fullmatch(text[:-1]) else ""
        hint = hint if text.endswith(":") else "letters, digits and '-'"
        raise fault(f"'{text}' is not a header's name", hint)
    _short(text, "header")
    if "_" in text:
        hint = f"write {text.replace('_', '-')}"
        raise fault(f"'{text}': the gateway refuses requests whose headers hold '_'", hint)
    return text.lower()


HeaderName: TypeAlias = Annotated[str, BeforeValidator(_header_name), WithJsonSchema(TEXT_SCHEMA)]
"""A header's name, in lower case."""


def no_twins(value: object) -> object:
    """Refuse a mapping in which the name of a header stands twice."""
    if isinstance(value, dict):
        seen: set[str] = set()
        for name in value:
            if name.lower() in seen:
                raise fault(
                    f"'{name}' stands twice: names of headers have no case", "keep one", at=name
                )
            seen.add(name.lower())
    return value


Headers: TypeAlias = Annotated[dict[HeaderName, Line], BeforeValidator(no_twins)]
"""Headers by name, in lower case."""
