"""Real programs that the bench needs: on PATH, or unpacked from the distribution without root."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent / ".parts"
PACKAGES = {"wrk": ("wrk", "libluajit-5.1-2", "libluajit-5.1-common")}
"""The packages of Debian and Ubuntu that hold a program and what it is linked to."""


def command(name: str) -> list[str]:
    """The words that run a program; raises MissingError by its name where it is not to be had."""
    found = shutil.which(name)
    if found:
        return [found]
    unpacked = HOME / "usr" / "bin" / name
    if not unpacked.exists():
        _unpack(name)
    libraries = sorted({str(p.parent) for p in HOME.rglob("*.so*")})
    return ["env", f"LD_LIBRARY_PATH={':'.join(libraries)}", str(unpacked)]


def _unpack(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES.get(name, (name,)):
            try:
                subprocess.run(
                    ["apt-get", "download", "-qq", package],  # noqa: S607 # as found on PATH
                    cwd=folder,
                    check=True,
                    capture_output=True,
                )
            except (OSError, subprocess.CalledProcessError):
                raise MissingError(name) from None
        HOME.mkdir(exist_ok=True)
        for archive in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg", "-x", archive, HOME], check=True)  # noqa: S607 # likewise


class MissingError(Exception):
    """A program that is on no PATH and in no package that could be had."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is missing: install it (on Debian, apt install {name})")
        self.name = name


if __name__ == "__main__":
    print(" ".join(command(sys.argv[1])))
