"""Logs of a serving process: JSON lines on stderr, each with timestamp, level and service."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

LEVELS = ("debug", "info", "warning", "error", "critical")


class LevelError(ValueError):
    """A word that is no level; `message` names those that are."""

    def __init__(self, word: str) -> None:
        self.message = f"'{word}' is no log level: it is one of {', '.join(LEVELS)}"
        super().__init__(self.message)


def configure(service: str, level: str = "info") -> None:
    """Set up the logs of this process. Raises LevelError."""
    if level.lower() not in LEVELS:
        raise LevelError(level)
    number = logging.getLevelNamesMapping()[level.upper()]

    def named(
        _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        return {"service": service, **event}

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            named,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forward()], level=max(number, logging.WARNING), force=True)


class _Forward(logging.Handler):
    """What libraries log, as a line of ours. Exceptions by type: their words may hold a secret."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        structlog.get_logger().log(
            record.levelno,
            "library",
            logger=record.name,
            said=record.getMessage() if error is None else str(record.msg),
            error=error.__name__ if error is not None else None,
        )


def place(error: BaseException) -> str:
    """Where an exception came from. Its own words may hold a secret of the request."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
