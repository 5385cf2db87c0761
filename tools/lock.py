"""Resolve the lock files anew: every package pinned, with hashes, for every platform.

`requirements.lock` is for this tree; `docker/run.lock` holds of it what an image runs with, and
`docker/build.lock` what builds the wheel that goes into it.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements.lock"
RUN = "docker/run.lock"
BUILD = "docker/build.lock"


def main() -> None:
    """Run the resolver, which is on PATH or nothing is written."""
    _compile(LOCK, "--group", "dev", "pyproject.toml", *sys.argv[1:])
    _compile(RUN, "-c", LOCK, "pyproject.toml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    _compile(BUILD, "-c", LOCK, "-", given="\n".join(project["build-system"]["requires"]))


def _compile(output: str, *words: str, given: str | None = None) -> None:
    subprocess.run(
        [
            *("uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
            *("--no-annotate", "--no-header", "--python-version", "3.11", *words, "-o", output),
        ],
        check=True,
        cwd=ROOT,
        input=given,
        text=True,
    )


if __name__ == "__main__":
    main()
