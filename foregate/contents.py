"""The contents of a file as anybody may see them: what is secret in it is crossed out in place.

What a regular expression finds in the text is not all: a hash may have escapes in it, or stand on
two lines. So what counts is what the reader of YAML sees.
"""

import re

import yaml

from language.report import without_password
from language.source import decode
from language.spans import Span, spans

SECRETS = frozenset({("key",), ("keys", "hash")})
"""Where a consumer has secrets, by the keys below its name."""

_CONSUMERS = "consumers"
_OPEN = re.compile(r"\$\{[^{}]*\}|sha256:|•+")
"""What of a secret says nothing: the name of one, what kind it is, and what is crossed out."""

_LONG = re.compile(r"[0-9A-Za-z+/_=\\-]{16,}")
_BLACK = re.compile(r"\S")


def contents(data: bytes) -> str:
    """The text of a file without keys, hashes of keys, and users of URLs."""
    source, _ = decode("", data, 1)
    text = source.text
    try:
        found = [one for one in spans(source) if _is_covered(one, text[one.start : one.end])]
    except (yaml.YAMLError, ValueError, IndexError, AttributeError, RecursionError):
        return _LONG.sub(_crossed_out, without_password(text))
    for one in found:
        shown = _BLACK.sub("•", text[one.start : one.end])
        text = text[: one.start] + shown + text[one.end :]
    return without_password(text)


def _is_covered(span: Span, written: str) -> bool:
    """Whether a text has to be crossed out as a whole: what it says is not found in its source."""
    left = without_password(span.text)
    secret = not span.is_key and span.keys[:1] == (_CONSUMERS,) and span.keys[2:] in SECRETS
    if secret and _OPEN.sub("", left):
        return True
    return left != span.text and span.text not in written


def _crossed_out(found: re.Match[str]) -> str:
    return "•" * len(found[0])
