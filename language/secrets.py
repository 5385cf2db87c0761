"""Secrets: `${NAME}` and `{file: PATH}` where a setting's type says so, and nowhere else.

What a secret holds is in no message: who reads one says what should stand there, never what does.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TypeAlias

from pydantic import ValidationInfo

from language.scalars import fault

JsonSchema: TypeAlias = dict[str, object]

_NAMED = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

SECRET_SCHEMA: JsonSchema = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"file": {"type": "string", "description": "The file that holds it."}},
            "required": ["file"],
            "additionalProperties": False,
        },
    ]
}
"""What editors take for a secret."""


def _no_file(_path: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Where secrets come from: the environment, and a reader of files that gives None for none.

    One that is not set is a mistake where it is `required`, and left open elsewhere.
    """

    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    read: Callable[[str], str | None] = _no_file
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a decoding of secrets is given: the secrets, and the file that names them."""

    secrets: Secrets
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret's text, or None where `unset` says what is not set."""

    text: str | None = field(default=None, repr=False)
    unset: str = ""


def secret(value: object, info: ValidationInfo) -> Secret:
    """Read a secret as it is written: a text with `${NAME}` in it, or `{file: PATH}`."""
    reading = info.context if isinstance(info.context, Reading) else _NOTHING
    if isinstance(value, dict):
        return _from_file(value, reading)
    if not isinstance(value, str):
        raise fault("a secret is one text, not a list", "write ${NAME}, or {file: PATH}")
    for found in _NAMED.finditer(value):
        if not _NAME.fullmatch(found[1]):
            message = "this is not the name of an environment variable"
            raise fault(message, "letters, digits and '_'", hidden=True)
    if "${" in _NAMED.sub("", value):
        raise fault("'${' opens the name of a secret", "close it with }", hidden=True)
    names = [found[1] for found in _NAMED.finditer(value)]
    missing = [name for name in names if not reading.secrets.environ.get(name)]
    if missing:
        return _unset(f"${{{missing[0]}}}", "set it in the environment", reading)
    environ = reading.secrets.environ
    return Secret(text=_NAMED.sub(lambda found: environ[found[1]], value))


def _from_file(value: dict[object, object], reading: Reading) -> Secret:
    for name in value:
        if name != "file":
            raise fault(f"unknown key '{name}'", "it may be file", at=str(name))
    path = value.get("file")
    if not isinstance(path, str) or not path:
        raise fault("a secret is a text, or {file: PATH}", "write {file: PATH}")
    text = reading.secrets.read(str(PurePath(reading.file).parent / path))
    text = None if text is None else text.removesuffix("\n").removesuffix("\r")
    if not text:
        return _unset(f"in the file {path}", "write it there, or let this user read it", reading)
    return Secret(text=text)


def _unset(what: str, hint: str, reading: Reading) -> Secret:
    if reading.secrets.required:
        raise fault(f"the secret {what} is not set", hint)
    return Secret(unset=what)


_NOTHING = Reading(secrets=Secrets(), file="")
