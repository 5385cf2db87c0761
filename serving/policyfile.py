"""The plain-file mode: the policy is a Bundle in protobuf JSON, read again when it changes."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from watchfiles import awatch

from protos import SERVICE_TYPES
from serving.bundle import BundleError, Holding, from_json, updates
from serving.metrics import Metrics
from serving.service import Intake, RejectedError, Update

FILE_BYTES = 256 * 2**20
"""A larger file is refused."""

DEBOUNCE = 50
"""Milliseconds without a further change after which a change counts as done."""

_log = structlog.get_logger(__name__)


class PolicyFileError(Exception):
    """The file cannot be the policy; `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PolicyFile:
    """The Feed of a service without a control plane."""

    def __init__(self, path: Path, metrics: Metrics) -> None:
        self._path = path
        self._metrics = metrics
        self._holding: Holding = {}
        self._begun = False

    @property
    def alone(self) -> bool:
        """There is no control plane."""
        return True

    async def fetch(self, type_url: str, name: str, within: float) -> bool:
        """Get nothing: what is not in the file does not exist."""
        del type_url, name, within
        return False

    def ask(self, type_url: str, name: str) -> None:
        """Tell nobody."""

    def load(self, intake: Intake, types: Sequence[str]) -> bool:
        """Have the service take in the file, whole or not at all. Raises PolicyFileError.

        Returns whether anything was new.
        """
        after = _read(self._path, types)
        if self._begun and after == self._holding:
            return False
        begun = self._begun
        done: list[str] = []
        for update in updates(self._holding, after, types):
            if begun and not update.changed and not update.removed:
                continue
            try:
                intake.take(update)
            except RejectedError as error:
                self._metrics.updated(update.type_url, accepted=False)
                if begun:
                    _take_back(intake, updates(after, self._holding, done))
                kind = update.type_url.rpartition(".")[2]
                raise PolicyFileError(f"{self._path}: {kind}: {error.message}") from None
            done.append(update.type_url)
        for type_url in done:
            self._metrics.updated(type_url, accepted=True)
        self._holding, self._begun = after, True
        return True

    async def watch(
        self, intake: Intake, types: Sequence[str], changed: Callable[[], None]
    ) -> None:
        """Load again whenever the file changes, until cancelled. A bad one is only logged.

        Its folder is watched: editors replace a file, and a ConfigMap is a link that moves.
        """
        folders = dict.fromkeys((self._path.absolute().parent, self._path.resolve().parent))
        begun = False
        async for changes in awatch(
            *folders,
            debounce=DEBOUNCE,
            step=10,
            rust_timeout=1000,
            yield_on_timeout=True,
            recursive=False,
            watch_filter=None,
        ):
            if begun and not changes:
                continue
            begun = True  # what was saved between the first load and here is read now
            try:
                if self.load(intake, types):
                    changed()
                    _log.info("policy file loaded", path=str(self._path))
            except PolicyFileError as error:
                _log.error("policy file refused, the old policy stays", why=error.message)
            await asyncio.sleep(0)


def _read(path: Path, types: Sequence[str]) -> Holding:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise PolicyFileError(f"{path}: {error.strerror}") from None
    if len(data) > FILE_BYTES:
        raise PolicyFileError(f"{path}: over {FILE_BYTES} bytes")
    try:
        found = from_json(data)
    except BundleError as error:
        raise PolicyFileError(f"{path}: {error.message}") from None
    ours = {t for group in SERVICE_TYPES.values() for t in group} | set(types)
    for type_url in found:
        if type_url not in ours:
            raise PolicyFileError(f"{path}: no service takes {type_url.rpartition('/')[2]}")
    mine = {t: group for t, group in found.items() if t in types}
    if found and not mine:
        raise PolicyFileError(f"{path}: it holds the policy of another service only")
    return mine


def _take_back(intake: Intake, undo: tuple[Update, ...]) -> None:
    """Restore what was taken in before a later type was refused: the service had it already."""
    for update in reversed(undo):
        try:
            intake.take(update)
        except RejectedError as error:
            _log.error("policy file half taken", type=update.type_url, why=error.message)
