"""Each kind of mistake with the words that its user reads: NAME.yaml, and NAME.txt beside it.

A folder below folders/ is a gateway of several files; what it prints stands in its expected.txt.
One below changes/ holds two states of a gateway: what was served (good/), and what is on disk
(new/); its expected.txt says of each file what is served, and why not what is new.
With FOREGATE_REWRITE=1 the expectations are written anew: read the difference before you keep it.
"""

import os
from pathlib import Path

import pytest

from controlplane.build import Options, build
from controlplane.files import Sources
from controlplane.selection.selector import Selector
from controlplane.sources import SourceFile
from language.mistakes import Mistake
from language.report import render

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))
FOLDERS = sorted(path for path in (HERE / "folders").iterdir() if path.is_dir())
CHANGES = sorted(path for path in (HERE / "changes").iterdir() if path.is_dir())
REWRITE = os.environ.get("FOREGATE_REWRITE") == "1"

MORE_THAN_ONE = {
    "backend-name": 2,
    "later-route-keys": 2,
    "later-top-keys": 3,
    "several": 9,
    "to-weights-fraction": 2,
    "to-weights-percent": 2,
}
"""Files with several mistakes: keys, each of two weights, or a name and where it is used."""


def report(sources: tuple[SourceFile, ...]) -> tuple[str, tuple[Mistake, ...]]:
    built = build(sources, Options(loopback=True, trust_store="/authorities.crt"))
    texts = {s.name: s.data.decode("utf-8", "replace") for s in sources}
    return render(built.mistakes, texts) + "\n", built.mistakes


def compare(told: str, expected: Path) -> None:
    if REWRITE:
        expected.write_text(told, encoding="utf-8")
    assert told == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file(path: Path) -> None:
    told, mistakes = report((SourceFile(name=path.name, data=path.read_bytes()),))
    compare(told, path.with_suffix(".txt"))
    assert len(mistakes) == MORE_THAN_ONE.get(path.stem, 1), "one mistake, one error"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_folder(folder: Path) -> None:
    sources = sources_of(folder)
    told, _ = report(sources)
    compare(told, folder / "expected.txt")
    turned, _ = report(sources[::-1])
    assert turned == told, "the order of files decides nothing"


@pytest.mark.parametrize("folder", CHANGES, ids=lambda path: path.name)
def test_change(folder: Path) -> None:
    new, good = sources_of(folder / "new"), sources_of(folder / "good")
    read = Sources(files=new, mistakes=())
    options = Options(loopback=True, trust_store="/authorities.crt")
    chosen = Selector().choose(read, good, options)
    texts = {s.name: s.data.decode() for s in new}
    states = [f"{view.name}: {view.state}" for view in chosen.files]
    compare("\n".join([*states, render(chosen.mistakes, texts)]) + "\n", folder / "expected.txt")
    assert chosen.build.snapshot is not None
    assert [v.name for v in chosen.files if v.mistakes] == [
        v.name for v in chosen.files if v.state != "current"
    ]


def sources_of(folder: Path) -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(name=file.relative_to(folder).as_posix(), data=file.read_bytes())
        for file in sorted(folder.rglob("*.yaml"))
    )


def test_there_are_many_kinds() -> None:
    assert len(FILES) >= 95
    assert {p.stem for p in HERE.glob("*.txt")} == {p.stem for p in FILES}


def test_a_password_is_not_repeated() -> None:
    assert "s3cret" in (HERE / "backend-password.yaml").read_text(encoding="utf-8")
    assert "s3cret" not in (HERE / "backend-password.txt").read_text(encoding="utf-8")
