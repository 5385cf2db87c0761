"""`foregate keys`: keys that are random, whole and easy to find; hashes, and no key in any argv."""

import hashlib
import json

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from foregate.commands.keys import (
    ALPHABET,
    LENGTH,
    PREFIX,
    consumer_line,
    key_hash,
    new_key,
    why_no_key,
)
from foregate.main import main


def run(*words: str, given_in: str = "") -> Result:
    return CliRunner().invoke(main, ["keys", *words], input=given_in, catch_exceptions=False)


numbers = st.integers(min_value=0, max_value=2**256 - 1)


@given(numbers)
def test_a_key_is_of_one_length_and_one_word(number: int) -> None:
    key = new_key(number)
    assert len(key) == LENGTH == 52
    assert key.startswith(PREFIX)
    assert set(key.removeprefix(PREFIX)) <= set(ALPHABET)
    assert not why_no_key(key)


@given(numbers, numbers)
def test_no_two_numbers_make_the_same_key(one: int, other: int) -> None:
    assert (new_key(one) == new_key(other)) == (one == other)


@given(numbers, st.integers(min_value=3, max_value=51), st.sampled_from(ALPHABET))
def test_a_mistyped_character_is_found(number: int, where: int, what: str) -> None:
    key = new_key(number)
    typed = key[:where] + what + key[where + 1 :]
    assert bool(why_no_key(typed)) == (typed != key)


def test_create_shows_the_key_its_hash_and_the_line() -> None:
    made = json.loads(run("create", "--consumer", "acme", "-o", "json").stdout)
    digest = hashlib.sha256(made["key"].encode()).hexdigest()
    assert made["hash"] == f"sha256:{digest}"
    assert yaml.safe_load(made["yaml"]) == {"acme": {"key": made["hash"]}}
    assert made["consumer"] == "acme"
    text = run("create", "--consumer", "acme").stdout
    key = text.split()[1]
    assert not why_no_key(key)
    assert text.count(key) == 1
    assert f'\nconsumers:\n  acme: {{key: "{key_hash(key)}"}}' in text


def test_each_key_is_another() -> None:
    keys = {json.loads(run("create", "-o", "json").stdout)["key"] for _ in range(20)}
    assert len(keys) == 20


@pytest.mark.parametrize("name", ["acme corp", "1", "a: b", 'a"b', "a#b", "*x"])
def test_a_name_that_yaml_would_misread_is_quoted(name: str) -> None:
    assert yaml.safe_load(consumer_line(name, "sha256:00")) == {name: {"key": "sha256:00"}}


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_hash_reads_the_key_from_stdin(end: str) -> None:
    key = new_key(7)
    said = run("hash", given_in=key + end)
    assert (said.exit_code, said.stdout, said.stderr) == (0, key_hash(key) + "\n", "")
    assert json.loads(run("hash", "-o", "json", given_in=key).stdout) == {"hash": key_hash(key)}


def test_hash_takes_no_key_from_the_command_line() -> None:
    assert run("hash", new_key(7)).exit_code == 2


@pytest.mark.parametrize("key", ["", "\n", "two words", "two\nlines", "ümlaut", new_key(7)[:-1]])
def test_what_is_no_key_is_refused_without_repeating_it(key: str) -> None:
    said = run("hash", given_in=key)
    assert said.exit_code == 1
    assert said.stdout == ""
    assert not key.strip() or key.strip() not in said.stderr


def test_a_short_key_of_another_maker_is_hashed_with_a_warning() -> None:
    said = run("hash", given_in="hunter2")
    assert said.stdout == key_hash("hunter2") + "\n"
    assert "can be guessed" in said.stderr
    assert "hunter2" not in said.stderr


@pytest.mark.parametrize("name", ["create", "hash"])
def test_each_explains_itself_with_an_example(name: str) -> None:
    said = run(name, "--help").stdout
    assert "Examples:" in said
    assert f"foregate keys {name}" in said
