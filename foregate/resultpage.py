"""What became of a push or a rollback, as JSON between the control plane and the command."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from controlplane.selection.chosen import FileState
from foregate.applying.change import Result, State
from language.mistakes import errors
from language.report import MistakeRecord, as_json, render, visible


@with_config(ConfigDict(strict=True))
class FileRecord(TypedDict):
    """One file: which content of it is served."""

    file: str
    state: FileState


@with_config(ConfigDict(strict=True))
class ResultRecord(TypedDict):
    """The result; these keys are a promise to scripts.

    `ok`: what was asked for is what every node has, each file as it is on disk. `version` is the
    number of what is served in the history (null: none is written), `content` its snapshot.
    `report` are the `mistakes` as people read them.
    """

    ok: bool
    state: State
    version: Annotated[int, Field(ge=1)] | None
    content: str
    files: list[FileRecord]
    mistakes: list[MistakeRecord]
    report: str
    warnings: list[str]


class ResultError(ValueError):
    """A text that is no result."""


def record(result: Result, texts: Mapping[str, str]) -> ResultRecord:
    """Give a result as what `json.dumps` takes; `texts` are the files that mistakes are in."""
    behind = any(one.state != "current" for one in result.files)
    done = result.state in {"live", "unchanged"}
    return ResultRecord(
        ok=done and not behind and not errors(result.mistakes),
        state=result.state,
        version=result.number,
        content=result.content,
        files=[FileRecord(file=visible(one.name), state=one.state) for one in result.files],
        mistakes=as_json(result.mistakes),
        report=render(result.mistakes, texts),
        warnings=[visible(line) for line in result.warnings],
    )


def read(data: bytes) -> ResultRecord:
    """Read a result. Raises ResultError."""
    try:
        return _RESULT.validate_json(data)
    except ValidationError:
        raise ResultError from None


_RESULT = TypeAdapter(ResultRecord)
