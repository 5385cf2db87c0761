"""Files on disk to a build, with what only a machine knows put in."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from controlplane.build import Build, Options, build
from controlplane.files import Sources, read_sources
from controlplane.selection.chosen import Chosen, FileView
from controlplane.selection.selector import Selector
from controlplane.sources import SourceFile, gateway_of, home
from foregate.garbage import uncollected
from foregate.layout import layout
from foregate.resolvers import resolvers
from foregate.trust import trust_store
from language.mistakes import Mistake, errors
from language.secrets import Secrets


def build_path(
    path: Path, *, loopback: bool = False, required: bool = False
) -> tuple[Build, tuple[Mistake, ...]]:
    """Build what stands at a path; the mistakes are those of the reading and of the build.

    With `required`, secrets that are not set are among them as errors.
    """
    return _built(read_sources(path), _options(loopback=loopback, required=required))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What stands at a path, and what becomes of each file where nothing was served before.

    `files` are in the order of names: none where which files there are is not known.
    """

    build: Build
    mistakes: tuple[Mistake, ...]
    files: tuple[FileView, ...]


def check_path(path: Path, *, required: bool) -> Checked:
    """Build what stands at a path, and say which of its files would start."""
    sources = read_sources(path)
    options = _options(loopback=False, required=required)
    build, mistakes = _built(sources, options)
    if errors(mistakes):
        files = Selector().choose(sources, (), options).files
        return Checked(build=build, mistakes=mistakes, files=files)
    gateway = gateway_of([file.name for file in sources.files])
    views = (
        FileView(name=file.name, home=home(file.name, gateway), state="current")
        for file in sources.files
    )
    return Checked(build=build, mistakes=mistakes, files=tuple(views))


def _options(*, loopback: bool, required: bool) -> Options:
    return Options(
        loopback=loopback,
        trust_store=trust_store(),
        resolvers=resolvers(),
        secrets=secrets(required=required),
        layout=layout(),
    )


def _built(sources: Sources, options: Options) -> tuple[Build, tuple[Mistake, ...]]:
    with uncollected():
        built = build(sources.files, options)
    mistakes = tuple(sorted((*sources.mistakes, *built.mistakes), key=lambda m: m.place))
    return built, mistakes


def chooser(options: Options) -> Callable[[Sources, tuple[SourceFile, ...]], Chosen]:
    """What chooses of files on disk and files that are served; secrets are needed, read each time.

    It remembers what it read, so that a file that did not change costs little.
    """
    selector = Selector()

    def choose(sources: Sources, good: tuple[SourceFile, ...]) -> Chosen:
        with uncollected():
            return selector.choose(sources, good, replace(options, secrets=secrets(required=True)))

    return choose


SECRET_BYTES = 64 * 1024
"""The most that a file with a secret may hold."""


def secrets(*, required: bool) -> Secrets:
    """The secrets of this process: its environment, and files beside those of the gateway."""
    return Secrets(environ=os.environ, read=_text_of, required=required)


def _text_of(path: str) -> str | None:
    """A small regular file's text, None where there is none; opening a FIFO must not hang."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            data = file.read(SECRET_BYTES + 1)
        return data.decode() if len(data) <= SECRET_BYTES else None
    except (OSError, ValueError):
        return None
