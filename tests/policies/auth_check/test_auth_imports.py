"""Which half of the policy loads what."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

SETTINGS = ("policies.auth.spec", "policies.auth.pipeline", "policies.auth.sources")
CRYPTO = {"cryptography", "jwt"}
SHELL = {"grpc", "structlog", "redis"}


def loaded(*modules: str) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_settings_and_the_envoy_half_load_no_cryptography() -> None:
    assert not loaded(*SETTINGS, "policies.auth.envoy") & (CRYPTO | SHELL)


@pytest.mark.parametrize("module", ["check", "token", "keys"])
def test_the_decision_loads_no_shell(module: str) -> None:
    assert not loaded(f"policies.auth.{module}") & SHELL


def test_the_service_loads_no_envoy_half_and_no_control_plane() -> None:
    names = loaded("extauthz.service")
    assert names >= CRYPTO
    assert not [n for n in names if n.startswith("controlplane") or n == "policies.auth.envoy"]
