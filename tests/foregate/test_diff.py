"""`foregate diff` as a user types it: what it prints, and how it exits."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controlplane.history.version import Fate, KeptFile, Note, Version
from foregate.main import main
from foregate.sides import Side, UnknownVersionError, side

GUARDED = """\
version: 1
identities: {idp: {issuer: "https://idp.example.com", audience: shop}}
backends: {users: "http://users:8080"}
routes:
  - {path: /a, auth: idp, to: users}
"""
OPEN = GUARDED + "  - {path: /b, auth: none, to: users}\n"
WEAKER = GUARDED.replace("auth: idp", "auth: none").replace("identities", "#")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of a test is not that of the command."""
    monkeypatch.setattr("foregate.commands.show.configure", lambda *_: None)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, words)], catch_exceptions=False)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    texts = {"guarded": GUARDED, "open": OPEN, "weaker": WEAKER, "broken": "version: 2\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return {name: tmp_path / f"{name}.yaml" for name in texts}


def test_the_same_meaning_exits_0(files: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("# a comment\n" + GUARDED)
    said = run(files["guarded"], other)
    assert (said.exit_code, said.stdout) == (0, "no difference in meaning\n")


def test_another_meaning_exits_2(files: dict[str, Path]) -> None:
    said = run(files["guarded"], files["open"])
    assert said.exit_code == 2
    assert "OPEN TO EVERYBODY" in said.stdout
    assert "\x1b" not in said.stdout


def test_a_weakening_exits_1_with_its_line_unless_it_is_allowed(files: dict[str, Path]) -> None:
    said = run(files["guarded"], files["weaker"])
    assert said.exit_code == 1
    assert "nobody is asked any more, it was idp" in said.stdout
    assert f"({files['weaker']}:5:16): if that is meant, add --allow-weaker" in said.stderr
    allowed = run("--allow-weaker", files["guarded"], files["weaker"])
    assert (allowed.exit_code, allowed.stdout, allowed.stderr) == (2, said.stdout, "")


def test_a_side_with_errors_exits_1_with_its_mistakes(files: dict[str, Path]) -> None:
    said = run(files["guarded"], files["broken"])
    assert said.exit_code == 1
    assert f"{files['broken']}:1:10: error:" in said.stderr
    assert said.stdout == ""


def test_a_wrong_word_is_an_error_and_no_difference(files: dict[str, Path]) -> None:
    assert run("--bogus").exit_code == 1
    assert run(files["open"], files["open"], files["open"]).exit_code == 1
    assert run(files["open"].parent / "none.yaml", files["open"]).exit_code == 1


def test_json_says_all_of_it(files: dict[str, Path]) -> None:
    said = json.loads(run("-o", "json", files["guarded"], files["weaker"]).stdout)
    assert (said["same"], said["weaker"]) == (False, True)
    assert said["weakenings"][0]["places"] == [
        {"file": str(files["weaker"]), "line": 5, "column": 16}
    ]
    assert said["weakenings"][0]["handovers"][0]["request"]["path"] == "/a"


def test_markdown_styles_nothing_that_a_file_says(tmp_path: Path, files: dict[str, Path]) -> None:
    loud = tmp_path / "loud.yaml"
    text = GUARDED + "  - {path: /b, headers: {x-a: '`@all` <b>'}, auth: none, to: users}\n"
    loud.write_text(text)
    said = run("-o", "markdown", files["guarded"], loud)
    assert said.exit_code == 2
    assert "`` + /b x-a: `@all` <b>  to users  auth: none ``" in said.stdout


def test_without_a_history_there_is_nothing_live(files: dict[str, Path], tmp_path: Path) -> None:
    said = run("--state-dir", tmp_path / "none", files["guarded"])
    assert said.exit_code == 1
    assert "there is no history in" in said.stderr


FATES: dict[int, Fate] = {3: "rejected", 2: "live", 1: "live"}


class Versions:
    """Three versions of a history, as the history gives them."""

    def versions(self) -> tuple[Version, ...]:
        note = Note(seen="", files=())
        return tuple(
            Version(number=n, at=0, content="", build="", note=note, fate=fate)
            for n, fate in FATES.items()
        )

    def files(self, number: int) -> tuple[KeptFile, ...]:
        texts = {1: GUARDED, 2: OPEN, 3: GUARDED}
        if number not in texts:
            return ()
        data = texts[number].encode()
        left_out = KeptFile(name="t.yaml", home="t.yaml", data=b"", state="not served")
        name = "gateway.yaml"
        return (KeptFile(name=name, home=name, data=data, state="current", digest="d"), left_out)


def routes(one: Side) -> int:
    assert one.build.plan is not None
    return sum(len(host.entries) for host in one.build.plan.hosts)


def test_versions_are_sides() -> None:
    assert [routes(side(asked, Versions)) for asked in ("1", "2", "3", "live")] == [1, 2, 1, 2]
    with pytest.raises(UnknownVersionError, match="no version 4: the newest is 3"):
        side("4", Versions)


def test_a_path_with_a_slash_is_never_a_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1").write_text(OPEN)
    monkeypatch.chdir(tmp_path)
    assert routes(side("./1", Versions)) == 2
