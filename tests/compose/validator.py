"""A program that knows what a compose file may say, without an engine."""

import shutil
import subprocess
from pathlib import Path

from tools.parts import HOME, command


def complaint(file: Path) -> str:
    """What Compose says against a file, empty where it takes it. Raises MissingError."""
    words = [*_compose(), "--file", str(file), "config", "--quiet"]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr or "refused"


def _compose() -> list[str]:
    """Docker's own, if its plugin is there, else the distribution's, unpacked where it must be."""
    docker = shutil.which("docker")
    if docker:
        asked = subprocess.run([docker, "compose", "version"], check=False, capture_output=True)
        if asked.returncode == 0:
            return [docker, "compose"]
    found = command("docker-compose")
    if len(found) == 1:
        return found
    # Unpacked: a Python program, which runs with the Python that was unpacked beside it.
    home = HOME / "docker-compose"
    python = next(p for p in (home / "usr" / "bin").glob("python3.*") if p.name[-1].isdigit())
    libraries = ":".join(str(p) for p in sorted(home.glob("**/lib/*-linux-gnu")))
    environ = [f"PYTHONHOME={home / 'usr'}", f"LD_LIBRARY_PATH={libraries}", "PYTHONPATH="]
    return ["env", *environ, str(python), "-W", "ignore", found[-1]]
