"""Files that an editor's schema has nothing against, and that still cannot be served: NAME.yaml.

Each is stopped before any Envoy sees it, at its line, in the words of NAME.txt; a folder below
folders/ is a gateway of several files. Found by asking the real Envoy: what it refuses, or takes
and cannot serve, is ours to say. FOREGATE_REWRITE=1 writes the expectations anew.
"""

import asyncio
import os
import ssl
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from controlplane.build import Build, Options, build
from controlplane.keyring.fetch import Failed, Places, fetch
from controlplane.model.schema import json_schema
from controlplane.sources import SourceFile
from language.mistakes import errors
from language.report import render

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))
FOLDERS = sorted(path for path in (HERE / "folders").iterdir() if path.is_dir())
REWRITE = os.environ.get("FOREGATE_REWRITE") == "1"
SCHEMA = Draft202012Validator(json_schema())
BESIDE = Draft202012Validator({**json_schema(), "required": []})
"""The schema of files beside gateway.yaml, which hold no version."""

SHOWN = 120
"""How much of a line is kept of an expectation: some values are long, and that is the mistake."""


def stopped(sources: tuple[SourceFile, ...], expected: Path) -> Build:
    built = build(sources, Options(loopback=True, trust_store="/authorities.crt"))
    texts = {s.name: s.data.decode() for s in sources}
    told = "".join(f"{line[:SHOWN]}\n" for line in render(built.mistakes, texts).splitlines())
    if REWRITE:
        expected.write_text(told, encoding="utf-8")
    assert told == expected.read_text(encoding="utf-8")
    assert built.snapshot is None
    assert errors(built.mistakes)
    return built


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file(path: Path) -> None:
    SCHEMA.validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    source = SourceFile(name=path.name, data=path.read_bytes())
    built = stopped((source,), path.with_suffix(".txt"))
    assert len(errors(built.mistakes)) == 1, "one mistake, one error"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_folder(folder: Path) -> None:
    files = sorted(folder.glob("*.yaml"))
    for file in files:
        schema = SCHEMA if file.name == "gateway.yaml" else BESIDE
        schema.validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    sources = tuple(SourceFile(name=f.name, data=f.read_bytes()) for f in files)
    stopped(sources, folder / "expected.txt")


def test_a_file_of_keys_that_is_not_there(tmp_path: Path) -> None:
    """`check` reads no other file: a server finds it missing, and no token passes meanwhile."""
    text = """
version: 1
identities: {idp: {issuer: "https://idp.example.com", audience: shop, jwks: {file: missing.json}}}
backends: {a: "http://a"}
routes: [{path: /a, auth: idp, to: a}]
"""
    SCHEMA.validate(yaml.safe_load(text))
    built = build((SourceFile(name="gateway.yaml", data=text.encode()),), Options())
    assert built.mistakes == ()
    (source,) = built.key_sources
    places = Places(trust=ssl.create_default_context(), root=tmp_path)
    assert asyncio.run(fetch(source, places)) == Failed(reason="not readable: FileNotFoundError")


def test_there_are_many_kinds() -> None:
    assert len(FILES) >= 60
    assert {p.stem for p in HERE.glob("*.txt")} == {p.stem for p in FILES}
