"""A disk that is full loses nothing that was there, and is written again once there is room."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ALONE = ["unshare", "--user", "--map-root-user", "--mount"]


def namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    trial = [*ALONE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not namespaces(), reason="no user and mount namespaces here")
def test_a_full_disk_costs_nothing_that_was_there(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.controlplane.history.full_disk", str(tmp_path)]
    done = subprocess.run(
        [*ALONE, *program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    recorded = said["recorded"]
    assert recorded > 5
    assert len(said["errors"]) > 1
    assert all("no space left on device" in one for one in said["errors"]), said["errors"]
    assert said["full"] == [[n, n, True] for n in range(recorded, 0, -1)]
    number = said["again"][0]
    assert said["again"] == [number, number, 5_000, "live"]
    assert number > recorded
    assert said["left"] == []
