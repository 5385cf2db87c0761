"""Real programs of tests and bench: on PATH, or unpacked from the distribution without root."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent / ".parts"
EVERYWHERE = frozenset({"libc6", "libgcc-s1", "gcc-12-base", "libcrypt1"})
"""Packages that each system has, and that must not stand beside its own."""


ALONE = {"promtool": "prometheus"}
"""Programs that need nothing but libc, of packages with another name that need a lot."""


def command(name: str) -> list[str]:
    """The words that run a program; raises MissingError by its name where it is not to be had."""
    found = shutil.which(name)
    if found:
        return [found]
    home = HOME / name
    unpacked = home / "usr" / "bin" / name
    if not unpacked.exists():
        _unpack(name, home)
    libraries = sorted({str(p.parent) for p in home.rglob("*.so*")})
    return ["env", f"LD_LIBRARY_PATH={':'.join(libraries)}", str(unpacked)]


def _unpack(name: str, home: Path) -> None:
    """Fetch the package of that name with all that it needs, and lay it out below `home`."""
    package = ALONE.get(name, name)
    needs = ["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests"]
    needs += ["--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", package]
    try:
        said = subprocess.run(needs, check=True, capture_output=True, text=True).stdout
        listed = (w for w in said.splitlines() if w and w[0] not in " |<" and ":" not in w)
        packages = [package] if name in ALONE else sorted(set(listed) - EVERYWHERE)
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as folder:
            fetch = ["apt-get", "download", "-qq", *packages]
            subprocess.run(fetch, cwd=folder, check=True, capture_output=True)
            made = Path(folder) / "made"
            for archive in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg", "-x", archive, made], check=True)  # noqa: S607 # on PATH
            # Whole or not at all: another worker may unpack the same, and the first is as good.
            if not home.exists():
                with contextlib.suppress(OSError):
                    made.rename(home)
    except (OSError, subprocess.CalledProcessError):
        raise MissingError(name, package) from None


class MissingError(Exception):
    """A program that is on no PATH and in no package that could be had."""

    def __init__(self, name: str, package: str = "") -> None:
        told = f"{name} is missing: install it (on Debian, apt install {package or name})"
        super().__init__(told)
        self.name = name


if __name__ == "__main__":
    print(" ".join(command(sys.argv[1])))
