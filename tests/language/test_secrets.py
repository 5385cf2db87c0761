"""Secrets: read where they are wanted, and shown nowhere."""

from typing import Annotated

import pytest
from pydantic import BeforeValidator, WithJsonSchema

from language.decode import Decoder, Refused
from language.mistakes import Mistake
from language.reader import read
from language.report import as_json, render
from language.secrets import SECRET_SCHEMA, Reading, Secret, Secrets, secret

SECRET: Decoder[Secret] = Decoder(
    Annotated[Secret, BeforeValidator(secret), WithJsonSchema(SECRET_SCHEMA)]
)
FILES = {"a/key.txt": "from a file\n", "a/empty.txt": "\n"}


def found(text: str, *, required: bool = False) -> Secret | tuple[Mistake, ...]:
    root = read("a/gateway.yaml", text.encode()).root
    assert root is not None
    secrets = Secrets(environ={"A": "alpha", "E": ""}, read=FILES.get, required=required)
    got = SECRET.decode("a/gateway.yaml", root, None, Reading(secrets=secrets, file="a/g.yaml"))
    return got.mistakes if isinstance(got, Refused) else got


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ('"${A}"', "alpha"),
        ('"x-${A}-${A}"', "x-alpha-alpha"),
        ("$A", "$A"),
        ("{file: key.txt}", "from a file"),
    ],
)
def test_what_a_secret_is(text: str, value: str) -> None:
    assert found(text) == Secret(text=value)
    assert value not in repr(found(text))


@pytest.mark.parametrize("text", ['"${B}"', '"${E}"', "{file: none.txt}", "{file: empty.txt}"])
def test_one_that_is_not_set_is_open_or_refused(text: str) -> None:
    here = found(text)
    assert isinstance(here, Secret)
    assert here.text is None
    assert here.unset
    refused = found(text, required=True)
    assert isinstance(refused, tuple)
    assert here.unset in refused[0].message


@pytest.mark.parametrize(
    "text",
    ['"${A-B}"', '"${A"', '"${}"', "[a]", "{fiel: x}", "{file: [a]}", "{file: a, b: c}"],
)
def test_what_no_secret_is(text: str) -> None:
    assert isinstance(found(text), tuple)


def test_a_hidden_mistake_shows_nothing_of_its_line() -> None:
    text = 'keys: {a: "${s3cret s3cret}", b: s3cret}'
    refused = found('"${s3cret s3cret}"')
    assert isinstance(refused, tuple)
    (one,) = refused
    at = one.place._replace(file="f", column=11)
    mistake = Mistake(place=at, message=one.message, hint=one.hint, hidden=one.hidden)
    also = Mistake(place=at._replace(column=1), message="another on its line")
    shown = render((mistake, also), {"f": text})
    assert "s3cret" not in shown
    assert "keys: {a: " in shown
    assert "s3cret" not in str(as_json((mistake,)))


def test_the_hash_of_a_key_is_crossed_out() -> None:
    line = "bob: {key: sha256:00112233445566778899aabbccddeeff}"
    place = found("[a]")
    assert isinstance(place, tuple)
    shown = render((Mistake(place=place[0].place._replace(file="f"), message="x"),), {"f": line})
    assert "0011" not in shown
    assert "sha256:•" in shown
