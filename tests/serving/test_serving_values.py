"""Addresses and logs."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from serving.address import Address, AddressError, address
from serving.logs import LevelError, configure

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("unix:/run/x.sock", "unix:/run/x.sock"),
        ("127.0.0.1:1", "127.0.0.1:1"),
        (":9001", "127.0.0.1:9001"),
        ("[::1]:65535", "[::1]:65535"),
        ("localhost:80", "127.0.0.1:80"),
        ("extauthz.internal:80", "extauthz.internal:80"),
    ],
)
def test_an_address_is_read_and_without_a_host_it_is_loopback(text: str, shown: str) -> None:
    assert str(address(text)) == shown


def test_who_reaches_an_address() -> None:
    assert address("unix:/x") == Address(path=Path("/x"))
    here = ("unix:/x", "127.0.0.1:1", "127.3.2.1:1", "localhost:1", ":1", "[::1]:1")
    assert all(address(text).here for text in here)
    elsewhere = ("0.0.0.0:1", "[::]:1", "10.0.0.1:1", "extauthz:1", "[fe80::1]:1", "127.0.0.1.x:1")
    assert not any(address(text).here for text in elsewhere)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "9001", "host", "host:", "host:x", "host:65536", "host:-1", "host:²", "::1:80"),
        *("unix:", "unix:x.sock", "unix:/" + "x" * 107, "http://host:80", "a b:1", "a@b:1"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        address(text)


def logged(code: str, level: str = "info") -> list[dict[str, str]]:
    """The lines that a process logs."""
    code = f"from serving.logs import configure\nconfigure('extauthz', {level!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_logs_are_json_lines_with_time_level_and_service() -> None:
    (line,) = logged("import structlog\nstructlog.get_logger().info('hello', a=1)")
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "hello", "a": 1, "level": "info", "service": "extauthz"}


def test_the_level_is_kept() -> None:
    code = "import structlog\nlog = structlog.get_logger()\nlog.info('a')\nlog.error('b')"
    assert [line["event"] for line in logged(code, "ERROR")] == ["b"]
    with pytest.raises(LevelError, match="debug, info, warning"):
        configure("extauthz", "loud")
    assert not logging.getLogger().isEnabledFor(logging.DEBUG)


def test_what_libraries_log_is_ours_and_exceptions_tell_only_their_type() -> None:
    code = """
import logging
log = logging.getLogger("grpc")
log.warning("%s of %s", 1, 2)
try:
    raise ValueError("hunter2")
except ValueError as error:
    log.exception("in %s", error)
log.info("not this")
"""
    first, second = logged(code)
    assert (first["said"], first["logger"], first["level"]) == ("1 of 2", "grpc", "warning")
    assert (second["said"], second["error"]) == ("in %s", "ValueError")
