"""`foregate diff` as a user types it: what it prints, and how it exits."""

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ed25519

from controlplane.build import Options, build
from controlplane.history.history import History
from controlplane.history.version import Fate, KeptFile, KeptPart, Note
from controlplane.history.versions import Versions
from controlplane.isolation.isolated import KeptState
from controlplane.sources import SourceFile
from controlplane.store.store import Store
from foregate.main import main
from foregate.sides import Side, UnknownVersionError, side
from language.secrets import Secrets

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
LEFT_OUT = KeptFile(name="t.yaml", home="t.yaml", data=b"", state="not served")
KEYS = """\
version: 1
identities: {keys: {apiKey: {header: x-api-key}}}
consumers: {bob: {key: "sha256:${BOB}"}}
backends: {users: "http://users:8080"}
routes:
  - {path: /a, auth: keys, to: users}
"""


def history(
    folder: Path,
    *texts: str,
    environ: tuple[dict[str, str], ...] = (),
    fates: Mapping[int, Fate] = FATES,
    parts: tuple[KeptPart, ...] = (),
) -> Versions:
    """A state folder with a version of each text; `environ` holds the secrets of each."""
    past = History(Store(folder / "xds"))
    for number, text in enumerate(texts, 1):
        data = text.encode()
        secrets = Secrets(environ=environ[number - 1] if environ else {})
        sources = (SourceFile(name="gateway.yaml", data=data),)
        made = build(sources, Options(secrets=secrets, main="gateway.yaml"))
        kept = KeptFile(name="gateway.yaml", home="gateway.yaml", data=data, state="current")
        note = Note(seen=str(number), files=(kept, LEFT_OUT), parts=parts)
        assert past.record(made, note).number == number
        past.settle(number, fates.get(number, "live"), {})
    return past


def routes(one: Side) -> int:
    assert one.build.plan is not None
    return sum(len(host.entries) for host in one.build.plan.hosts)


def test_versions_are_sides(tmp_path: Path) -> None:
    past = history(tmp_path, GUARDED, OPEN, GUARDED)
    assert [routes(side(asked, lambda: past)) for asked in ("1", "2", "3", "live")] == [1, 2, 1, 2]
    for asked, named in (("4", "4"), ("1" * 5000, f"{'1' * 20}…"), ("0", "0")):
        with pytest.raises(UnknownVersionError, match=f"no version {named}: the newest is 3"):
            side(asked, lambda: past)


PART = KeptPart(
    name="the route /a", state="closed", places=("gateway.yaml:5:5",), why="no such header"
)


@pytest.mark.parametrize(
    ("state", "words"), [("closed", "answers 503"), ("last good", "is as it was last served")]
)
def test_a_part_that_stayed_behind_cannot_be_compared(
    tmp_path: Path, files: dict[str, Path], state: KeptState, words: str
) -> None:
    history(tmp_path, GUARDED, parts=(replace(PART, state=state),))
    said = run("--state-dir", tmp_path, "live", files["guarded"])
    assert said.exit_code == 1
    assert (
        f"of live the part the route /a (gateway.yaml:5:5) stayed behind and {words}:"
        " no such header (cannot be compared)"
    ) in said.stdout
    assert "more may pass than did: if that is meant" in said.stderr
    assert run("--allow-weaker", "--state-dir", tmp_path, "live", files["guarded"]).exit_code == 2
    other = history(tmp_path / "other", GUARDED)
    assert not side("live", lambda: other).parts


def test_a_key_that_comes_back_is_told_and_no_hash_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    was, now = {"BOB": "aa" * 32}, {"BOB": "bb" * 32}
    history(tmp_path, KEYS, KEYS + "# later\n", environ=(was, now))
    monkeypatch.setenv("BOB", "bb" * 32)
    said = run("--state-dir", tmp_path, "2", "1")
    assert said.exit_code == 2
    assert "a key of 'bob' is another" in said.stdout
    assert "aa" * 8 not in said.stdout
    assert "bb" * 8 not in said.stdout
    assert run("--state-dir", tmp_path, "2", "2").exit_code == 0


def test_a_key_of_a_version_that_is_not_set_here_cannot_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(tmp_path, KEYS, environ=({"BOB": "aa" * 32},))
    (tmp_path / "gateway.yaml").write_text(KEYS)
    monkeypatch.delenv("BOB", raising=False)
    said = run("--state-dir", tmp_path, "1", tmp_path / "gateway.yaml")
    assert said.exit_code == 1
    assert (
        "whose a key of 'bob' was cannot be compared: the secret ${BOB} is not set" in said.stdout
    )
    monkeypatch.setenv("BOB", "aa" * 32)
    assert run("--state-dir", tmp_path, "1", tmp_path / "gateway.yaml").exit_code == 0


def test_a_key_of_another_holder_is_weaker_than_in_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(tmp_path, KEYS, environ=({"BOB": "aa" * 32},))
    (tmp_path / "gateway.yaml").write_text(KEYS.replace("bob:", "eve:"))
    monkeypatch.setenv("BOB", "aa" * 32)
    said = run("--state-dir", tmp_path, "1", tmp_path / "gateway.yaml")
    assert said.exit_code == 1
    assert "a key of 'bob' is the key of 'eve'" in said.stdout


def test_a_version_whose_keys_are_not_those_of_its_files_is_refused(tmp_path: Path) -> None:
    past = history(tmp_path, KEYS)  # the secret was not set: nothing was served of it
    with pytest.raises(UnknownVersionError, match="its keys are not those that its files name"):
        side("1", lambda: past)


def test_a_path_with_a_slash_is_never_a_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1").write_text(OPEN)
    monkeypatch.chdir(tmp_path)
    past = history(tmp_path / "state", GUARDED)
    assert routes(side("./1", lambda: past)) == 2


SIGNED = GUARDED.replace("audience: shop", "audience: shop, jwks: {file: keys.json}")


def jwks(*names: str) -> str:
    """A set with a key of each name."""
    keys = (ed25519.Ed25519PrivateKey.from_private_bytes(name.encode() * 32) for name in names)
    raw = (key.public_key().public_bytes_raw() for key in keys)
    texts = (base64.urlsafe_b64encode(one).decode().rstrip("=") for one in raw)
    pairs = zip(names, texts, strict=True)
    return json.dumps(
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": n, "x": x} for n, x in pairs]}
    )


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders with the same gateway, for key files beside it."""
    folders = tmp_path / "old", tmp_path / "new"
    for folder in folders:
        folder.mkdir()
        (folder / "gateway.yaml").write_text(SIGNED)
    return folders


def test_another_signer_in_a_key_file_is_weaker(signed: tuple[Path, Path]) -> None:
    old, new = signed
    (old / "keys.json").write_text(jwks("a", "b"))
    (new / "keys.json").write_text(jwks("b", "c"))
    said = run(old, new)
    assert said.exit_code == 1
    assert re.search(r"tokens of 'idp' may be signed with the key \S+ \(c\) too", said.stdout)
    (new / "keys.json").write_text(jwks("b"))
    assert run(old, new).exit_code == 2
    (new / "keys.json").write_text(jwks("b", "a") + "\n")
    assert run(old, new).exit_code == 0
    (old / "keys.json").write_text(jwks("a", "b").replace('"kid": "b"', '"use": "enc"'))
    assert run(old, new).exit_code == 1  # what was for encryption signs


def test_a_key_file_that_one_side_lacks_cannot_be_compared(signed: tuple[Path, Path]) -> None:
    old, new = signed
    assert run(old, old).exit_code == 0
    assert run(old, new).exit_code == 2
    (new / "keys.json").write_text(jwks("a"))
    said = run(old, new)
    assert said.exit_code == 1
    assert "the keys of 'idp' are not known on both sides" in said.stdout
    os.mkfifo(old / "keys.json")
    assert run(old, new).exit_code == 1


def test_the_key_files_of_a_version_are_not_known(
    signed: tuple[Path, Path], tmp_path: Path
) -> None:
    (signed[1] / "keys.json").write_text(jwks("a"))
    history(tmp_path, SIGNED, SIGNED + "# later\n")
    said = run("--state-dir", tmp_path, "1", signed[1])
    assert said.exit_code == 2
    assert "keys: not known -> the key" in said.stdout
    assert run("--state-dir", tmp_path, "1", "2").exit_code == 0
