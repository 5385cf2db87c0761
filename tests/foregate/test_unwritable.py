"""What a stream cannot hold is written as an escape, whatever command says it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.process import ROOT, foregate

GATEWAY = """\
version: 1
hosts: [a.test]
defaults: {auth: none}
backends: {one: "http://one:80", two: "http://two:80"}
routes:
  - {path: /x, headers: {x-a: {regex: "e.*"}}, to: one}
  - {path: /side, sticky: {header: x-a}, to: {one: 50, two: 50}}
"""
BYTES = b"\xff\xfe"
NAMED = "€.yaml".encode()
"""A file of the same gateway."""


def said(folder: Path, encoding: str, *words: bytes) -> subprocess.CompletedProcess[bytes]:
    for name in ("gateway.yaml", os.fsdecode(NAMED)):
        (folder / name).write_text(GATEWAY)
    return subprocess.run(  # our own command line
        [*(os.fsencode(word) for word in foregate()), *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("encoding", ["ascii:strict", "latin-1:strict", "utf-8:strict"])
@pytest.mark.parametrize(
    "words",
    [
        (b"explain", b"GET", b"http://a.test/" + BYTES),
        (b"explain", b"GET", b"http://a.test/x", b"-H", b"x-a: e" + BYTES),
        (b"explain", b"GET", b"http://a.test/side", b"-H", b"x-a: e" + BYTES),
        (b"explain", b"-o", b"json", b"GET", b"http://a.test/" + BYTES),
        (b"explain", b"curl", b"-u", BYTES, b"-d", BYTES, b"--data-urlencode", BYTES, b"a.test/x"),
        (b"keys", b"create", b"--consumer", BYTES),
        (b"check", NAMED),
        (b"docs", b"sticky"),
    ],
)
def test_the_answer_is_no_traceback(tmp_path: Path, encoding: str, words: tuple[bytes]) -> None:
    done = said(tmp_path, encoding, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [(BYTES,), (b"check", BYTES), (b"explain", b"curl", b"-" + BYTES)]
)
def test_a_mistake_is_no_traceback(tmp_path: Path, words: tuple[bytes]) -> None:
    done = said(tmp_path, "ascii:strict", *words)
    assert done.returncode in {1, 2}
    assert b"Traceback" not in done.stderr


def test_what_cannot_be_written_is_an_escape(tmp_path: Path) -> None:
    done = said(tmp_path, "ascii:strict", b"explain", b"GET http://a.test/" + BYTES)
    assert done.stdout.splitlines()[0] == rb"GET a.test/\udcff\udcfe"
    done = said(tmp_path, "latin-1:strict", b"keys", b"create", b"--consumer", "ü€".encode())
    assert rb"\u20ac" in done.stdout
