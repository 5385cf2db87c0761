"""Resolve `requirements.lock` anew: every package pinned, with hashes, for every platform."""

import subprocess
import sys


def main() -> None:
    """Run the resolver, installed for this one call into a throw-away target."""
    subprocess.run(
        [
            *("uv", "pip", "compile", "--universal", "--generate-hashes", "--no-annotate"),
            *("--no-header", "--python-version", "3.11", "--group", "dev"),
            *("pyproject.toml", "-o", "requirements.lock", *sys.argv[1:]),
        ],
        check=True,
    )


if __name__ == "__main__":
    main()
