"""Last good keys on disk: what is saved comes back, what is broken is nothing."""

import json
import stat
from pathlib import Path

import pytest

from controlplane.keyring.disk import Keys, load, save
from controlplane.keyring.jwks import NONE, public_keys
from tests.controlplane.keyring.issuer import jwks

KEYS = Keys(jwks=public_keys(json.dumps(jwks("a")).encode()), fetched_at_ms=1000)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "keys"
    save(folder, "s", KEYS)
    assert load(folder, "s", 5000) == KEYS
    assert [p.name for p in folder.iterdir()] == ["s"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o600


def test_a_clock_that_went_back_makes_no_keys_from_the_future(tmp_path: Path) -> None:
    save(tmp_path, "s", KEYS)
    assert load(tmp_path, "s", 500).fetched_at_ms == 500


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"{}", b'{"fetched_at_ms":1}', b'{"fetched_at_ms":"1","jwks":{}}'),
        *(b'{"fetched_at_ms":1,"jwks":{}}', b'{"fetched_at_ms":1,"jwks":"x"}'),
    ],
)
def test_what_is_broken_is_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s").write_bytes(content)
    assert load(tmp_path, "s", 5000) == Keys()
    assert load(tmp_path, "missing", 5000) == Keys()


def test_what_was_withdrawn_stays_so(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b'{"fetched_at_ms":1,"jwks":{"keys":[{"kty":"oct","k":"x"}]}}')
    assert load(tmp_path, "s", 5000) == Keys(jwks=NONE, fetched_at_ms=1)


def test_a_save_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    with pytest.raises(OSError, match="s"):
        save(tmp_path, "s", KEYS)
    assert [p.name for p in tmp_path.iterdir()] == ["s"]
