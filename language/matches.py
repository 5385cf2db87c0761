"""What a header or a parameter must be: exact text, a beginning, an expression, there or not."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from language.arriving import HEADER, PARAMETER, never
from language.fields import (
    HeaderName,
    Parameter,
    no_twins,
    parameter_text,
)
from language.regexes import MalformedRegexError, check_regex, matches
from language.scalars import TEXT_SCHEMA, Quoted, below, fault, one_line, one_text
from language.suggest import nearest


class How(StrEnum):
    """How a value is compared; the word is the one that a file writes."""

    EXACT = "exact"
    PREFIX = "prefix"
    REGEX = "regex"
    PRESENT = "present"
    ABSENT = "absent"


class TextMatch(NamedTuple):
    """How a value is compared and with what; empty where only being there counts."""

    how: How
    text: str = ""

    def takes(self, value: str | None) -> bool:
        """Whether a value is what is wanted; None where there is none."""
        if value is None:
            return self.how is How.ABSENT
        match self.how:
            case How.EXACT:
                return value == self.text
            case How.PREFIX:
                return value.startswith(self.text)
            case How.REGEX:
                return matches(self.text, value)
            case How.PRESENT:
                return True
            case How.ABSENT:
                return False

    @property
    def shown(self) -> str:
        """As it is written, on one line."""
        if self.how is How.EXACT:
            return self.text
        if self.how in {How.PRESENT, How.ABSENT}:
            return f"{{present: {'true' if self.how is How.PRESENT else 'false'}}}"
        return f"{{{self.how.value}: {self.text}}}"


def exact(text: str) -> TextMatch:
    """Give what an exact text is compared as."""
    return TextMatch(How.EXACT, text)


_HINT = "write the text itself, or {prefix: …}, {regex: …} or {present: true}"
_NEVER = {
    HEADER: "a header is one line, without spaces around it",
    PARAMETER: "parameters are compared as they are sent: no '&', '#' or space, but %20",
}
_KEYS = (How.PREFIX.value, How.REGEX.value, How.PRESENT.value)


def _header(value: object) -> TextMatch:
    if isinstance(value, dict):
        return _one_of(value, one_line, HEADER)
    return exact(one_line(_scalar(value)))


def _parameter(value: object) -> TextMatch:
    if isinstance(value, dict):
        return _one_of(value, parameter_text, PARAMETER)
    return exact(parameter_text(_scalar(value)))


def _scalar(value: object) -> str:
    if isinstance(value, list):
        raise fault("one value is wanted here, not a list", _HINT)
    return one_text(value, _HINT)


def _one_of(written: Mapping[str, Any], text: Callable[[object], str], arriving: str) -> TextMatch:
    for name in written:
        if name not in _KEYS:
            near = nearest(name, _KEYS)
            hint = f"did you mean '{near}'?" if near else _HINT
            raise fault(f"unknown key '{name}'", hint, at=name)
    if len(written) != 1:
        second = tuple(written)[1] if written else None
        raise fault("a value is compared in one way", "keep one", at=second)
    ((name, value),) = written.items()
    try:
        return _compared(name, value, text, arriving)
    except PydanticCustomError as error:
        raise below(error, name) from None


def _compared(name: str, value: object, text: Callable[[object], str], arriving: str) -> TextMatch:
    if name == How.PREFIX:
        found = text(value)
        if not found:
            raise fault("every value begins with nothing", "write {present: true}")
        return TextMatch(How.PREFIX, found)
    if name == How.REGEX:
        regex = regex_text(value)
        if regex.strip("^$()") in {".*", "(?s).*", "(?s:.*"}:
            raise fault("every value matches this", "write {present: true}")
        if never(regex, arriving):
            raise fault("no value that arrives matches this expression", _NEVER[arriving])
        return TextMatch(How.REGEX, regex)
    said = one_text(value, "write true or false")
    if isinstance(value, Quoted) or said not in {"true", "false"}:
        raise fault(f"'{said}' is neither true nor false", "write true or false, without quotes")
    return TextMatch(How.PRESENT if said == "true" else How.ABSENT)


def regex_text(value: object) -> str:
    """The text of an expression that Envoy takes; raise a fault where it does not."""
    text = str(one_text(value, "write one expression"))
    try:
        check_regex(text)
    except MalformedRegexError as error:
        raise fault(error.message, error.hint, error.offset) from None
    return text


_SCHEMA = {
    "anyOf": [
        TEXT_SCHEMA,
        *(
            {
                "type": "object",
                "properties": {name: kind},
                "required": [name],
                "additionalProperties": False,
            }
            for name, kind in (
                ("prefix", TEXT_SCHEMA),
                ("regex", TEXT_SCHEMA),
                ("present", {"type": "boolean"}),
            )
        ),
    ]
}

HeaderMatches: TypeAlias = Annotated[
    dict[
        HeaderName,
        Annotated[TextMatch, BeforeValidator(_header), WithJsonSchema(_SCHEMA)],
    ],
    BeforeValidator(no_twins),
]
"""Headers by name, in lower case, and what each must be."""

ParameterMatches: TypeAlias = dict[
    Parameter, Annotated[TextMatch, BeforeValidator(_parameter), WithJsonSchema(_SCHEMA)]
]
"""Parameters by name, and what each must be."""
