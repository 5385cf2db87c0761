"""Whatever stands in a file, it is built or refused at its places, and editors are told the same.

FOREGATE_EXAMPLES says how many files are tried.
"""

import os
import re
from random import Random
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from controlplane.build import Build, Options, build
from controlplane.model.schema import json_schema
from controlplane.sources import SourceFile
from language.mistakes import errors
from tests.controlplane.model.random_gateways import gateway, mutilated, text_of

EXAMPLES = int(os.environ.get("FOREGATE_EXAMPLES", "300"))
OPTIONS = Options(loopback=True, trust_store="/authorities.crt")
SCHEMA = Draft202012Validator(json_schema())
BATCHES = 10

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BOOLEAN = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


def as_editors_see(node: Any) -> Any:
    """A document by YAML 1.2's core schema, which editors check against a JSON Schema."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: as_editors_see(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [as_editors_see(item) for item in node.value]
    text = str(node.value)
    if node.style is not None:
        return text
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return _BOOLEAN.get(text, text)


def check(texts: dict[str, str]) -> Build:
    sources = tuple(
        SourceFile(name=name, data=text.encode("utf-8", "surrogatepass"))
        for name, text in texts.items()
    )
    built = build(sources, OPTIONS)
    lines = {
        name: re.split("\r\n|\r|\n", text.removeprefix("\ufeff")) for name, text in texts.items()
    }
    for mistake in built.mistakes:
        for place in (mistake.place, *mistake.also):
            assert place.file in lines
            assert 1 <= place.line <= len(lines[place.file])
            assert 1 <= place.column <= len(lines[place.file][place.line - 1]) + 1
        assert mistake.message
        assert mistake.width >= 1
    assert (built.snapshot is None) == bool(errors(built.mistakes))
    return built


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_files(batch: int) -> None:
    accepted = 0
    for number in range(batch, EXAMPLES, BATCHES):
        random = Random(number)  # noqa: S311 # examples, no secrets
        text = text_of(gateway(random, right=random.choice((1, 0.99, 0.95, 0.8))), random)
        if random.random() < 0.3:
            text = mutilated(text, random)
        built = check({"gateway.yaml": text})
        if built.snapshot is None:
            continue
        accepted += 1
        seen = as_editors_see(yaml.compose(text, Loader=yaml.BaseLoader))
        wrong = [f"{e.json_path}: {e.message}" for e in SCHEMA.iter_errors(seen)]
        assert not wrong, f"example {number}\n{text}"
    assert accepted, "examples that are all refused show nothing"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_folders(batch: int) -> None:
    for number in range(batch, EXAMPLES // 3, BATCHES):
        random = Random(-1 - number)  # noqa: S311 # examples, no secrets
        texts = {
            name: mutilated(text_of(gateway(random, right=0.95), random), random)
            for name in ("gateway.yaml", "a/b.yaml", "c.yaml")
        }
        once = check(texts)
        again = check(dict(reversed(texts.items())))
        assert once.mistakes == again.mistakes, f"example {number}"
        assert once.snapshot == again.snapshot, f"example {number}"


def test_any_bytes_are_refused_in_place() -> None:
    for number in range(EXAMPLES // 3):
        random = Random(number)  # noqa: S311 # examples, no secrets
        data = random.randbytes(random.randrange(60))
        built = build((SourceFile(name="gateway.yaml", data=data),), OPTIONS)
        assert errors(built.mistakes)
