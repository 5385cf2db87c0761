"""The type of a scope."""

import re
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from language.scalars import TEXT_SCHEMA, fault, one_text

_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def _scope(value: object) -> str:
    text = one_text(value)
    if " " in text.strip(" "):
        raise fault("a scope holds no space", "write one a line, or [a, b]", text.index(" "))
    if not _TOKEN.fullmatch(text):
        raise fault("this is not a scope", "visible ASCII without quotes and backslashes")
    return str(text)


Scope: TypeAlias = Annotated[str, BeforeValidator(_scope), WithJsonSchema(TEXT_SCHEMA)]
"""A scope-token of RFC 6749, section 3.3; case counts."""
