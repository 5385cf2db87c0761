"""What is secret in a file is crossed out, however YAML lets it be written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foregate.contents import SECRETS, contents
from language.secrets import SECRET_SCHEMA
from language.source import decode
from language.spans import spans

SCHEMA = Path(__file__).parents[2] / "gateway.schema.json"
HASH = "ab" * 32
WRITTEN = {
    "plain": f"sha256:{HASH}",
    "quoted": f'"sha256:{HASH}"',
    "continued": f'"sha256:\\\n      {HASH}"',
    "continued within": f'"sha256:abababab\\\n      {HASH[8:]}"',
    "escaped": f'"sha256:\\x61{HASH[1:]}"',
    "escaped before": f'"sha25\\x36:{HASH}"',
    "each escaped": '"sha256:' + "\\x61\\u0062" * 32 + '"',
    "begun by the environment": f'"${{KIND}}{HASH}"',
    "ended by the environment": '"sha256:abababab${REST}"',
    "folded": f">-\n      sha256:{HASH}",
    "literal": f"|-\n      sha256:{HASH}",
    "on a line of its own": f"\n      sha256:{HASH}",
}
"""A hash of a key as it may be written; not each is accepted everywhere."""


def file(value: str) -> str:
    return f"version: 1\nconsumers:\n  é:\n    key: {value}\n  al: {{keys: [{{hash: {value}}}]}}\n"


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_no_hash_of_a_key_is_left(written: str, eol: str) -> None:
    value = written if not written.startswith((">", "|")) else f'"sha256:{HASH}"'
    text = file(written).partition("  al:")[0] + "  al:" + file(value).partition("  al:")[2]
    shown = contents(text.replace("\n", eol).encode())
    for part in ("abab", "baba", "x61", "u0062"):
        assert part not in shown
    assert shown.startswith(f"version: 1{eol}consumers:{eol}  é:{eol}    key: ")
    assert shown.count("\n") == text.count("\n")


def test_what_is_no_secret_stays() -> None:
    text = (
        "version: 1  # one\nidentities: {keys: {apiKey: {header: x-api-key}}}\n"
        "consumers:\n  bob: {key: 'sha256:${BOB}'}\n  al: {keys: [{hash: {file: hashes/al}}]}\n"
        "  eve: {keys: [{hash: '${EVE}', scopes: [orders.read]}]}\n"
        'routes: [{path: "/a\\x62", to: a, rateLimit: {key: ip}}]\n'
    )
    assert contents(text.encode()) == text
    shown = contents(f"consumers: {{bob: {{key: 'sha256:{HASH}'}}}} # http://u:p@h\n".encode())
    assert shown == f"consumers: {{bob: {{key: 'sha256:{'•' * 64}'}}}} # http://•••@h\n"


def test_a_key_or_a_user_that_is_escaped_elsewhere_is_crossed_out() -> None:
    text = 'a: {b: ["fg\\x5f0123456789abcdefXYZ", "http://u:p\\x61ss\\x40h", "\\x61"]}\n'
    assert contents(text.encode()) == f'a: {{b: [{"•" * 27}, {"•" * 23}, "\\x61"]}}\n'


@pytest.mark.parametrize("end", ["}", "\x00", "\t- {", "&"])
def test_of_a_file_that_cannot_be_read_nothing_long_is_shown(end: str) -> None:
    text = f'consumers: {{bob: {{key: "sha256:\\\n  {HASH}"}}}}\n  x: [{end}\n'
    assert "abab" not in contents(text.encode())


def test_every_setting_that_is_a_secret_is_known() -> None:
    """Another one is to be added to SECRETS."""
    schema = json.loads(SCHEMA.read_text())
    consumer = schema["properties"]["consumers"]["additionalProperties"]
    assert set(secrets(consumer, schema["$defs"])) == SECRETS
    assert json.dumps(schema).count("The file that holds it.") == len(SECRETS)


def secrets(schema: Any, named: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Where a schema has secrets."""
    if schema.get("anyOf") == SECRET_SCHEMA["anyOf"]:
        yield path
    for name, one in schema.get("properties", {}).items():
        yield from secrets(one, named, *path, name)
    if "items" in schema:
        yield from secrets(schema["items"], named, *path)
    if "$ref" in schema:
        yield from secrets(named[schema["$ref"].rpartition("/")[2]], named, *path)


@given(st.text(st.sampled_from("ab:é😀\n\r \"'\\x61{}[],-|>#"), max_size=40))
@example('é: "😀\\x61"\r\nb: c')
def test_a_span_is_what_a_text_is_written_in(text: str) -> None:
    source, _ = decode("f", text.encode(), 1)
    try:
        found = list(spans(source))
    except Exception:  # noqa: BLE001 # no YAML
        return
    for one in found:
        written = source.text[one.start : one.end]
        if one.text.isalnum() and "\\" not in written and not written.startswith(("|", ">")):
            assert written.strip("\"'") == one.text
