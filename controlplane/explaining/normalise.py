"""What Envoy makes of a path before it is compared: its own rules, character for character.

Envoy uses the URL library of Chromium (url/url_canon_path.cc, with one byte a character) between
steps of its own (source/common/http/path_utility.cc): escaped slashes and the parameters of dots
first, merging last. All of it is measured.
"""

import re
from typing import NamedTuple

_SLASH = re.compile("%(?:2[Ff]|5[Cc])")
_PARAMETERS = re.compile(r"(?<=/)(\.{1,2});[^/]*")
"""Dots with the parameters that some servers look for behind a semicolon: they stay dots."""

_DOTS = re.compile(r"(?:\.|%2[Ee]){1,2}(?=[/\\]|$)")

_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPED = frozenset(' "#<>?^`{|}') | {chr(c) for c in (*range(32), *range(127, 256))}


class Normalised(NamedTuple):
    """A path as routes see it; `unescaped` had escaped slashes, which Envoy answers itself."""

    path: str
    unescaped: bool


def normalised(path: str) -> Normalised | None:
    """Give what becomes of a path without its query; None where Envoy refuses it."""
    plain = _SLASH.sub(lambda slash: "/" if slash[0][1] == "2" else "\\", path)
    canonical = _canonical(_PARAMETERS.sub(r"\1", plain))
    if canonical is None:
        return None
    return Normalised(_merged(canonical), plain != path)


def _canonical(path: str) -> str | None:
    """Dots taken out, backslashes turned, escapes of unreserved characters undone."""
    out = [] if path.startswith(("/", "\\")) else ["/"]
    broken: int | None = None  # where a % stands in `out` that starts no escape
    at = 0
    while at < len(path):
        char = path[at]
        dots = _DOTS.match(path, at) if char in ".%" and out and out[-1] == "/" else None
        if dots is not None:
            at = dots.end() + 1  # with the slash behind them
            if dots[0].lower().replace("%2e", ".") == "..":
                _back_up(out)
                broken = None if broken is not None and broken >= len(out) else broken
            continue
        escape = _ESCAPE.match(path, at) if char == "%" else None
        if escape is not None:
            at = escape.end()
            meant = chr(int(escape[1], 16))
            if meant == "\0":
                return None
            if meant not in _UNRESERVED:
                out += escape[0]
                continue
            out.append(meant)
            if broken is not None and broken + 3 >= len(out):
                _nested(path, at, out, broken)
            continue
        at += 1
        if char == "%":
            broken = len(out)
        out += "/" if char == "\\" else f"%{ord(char):02X}" if char in _ESCAPED else char
    return "".join(out)


def _back_up(out: list[str]) -> None:
    """Take out the last segment; the first slash stays."""
    if len(out) == 1:
        return
    out.pop()
    while out[-1] != "/":
        out.pop()


def _nested(path: str, following: int, out: list[str], broken: int) -> None:
    """Keep what was just undone from making an escape with a % before it: `%2%35` is `%2525`."""
    last = out[-1]
    short = broken == len(out) - 2
    if short:
        if following == len(path) or ord(path[following]) >= 0x80:
            return
        out.append(path[following])
    if _ESCAPE.match("".join(out[broken:])):
        if not short:
            out.append(out[broken + 1])
        out[broken + 1 : broken + 3] = "25"
        out.append(last)
    elif short:
        out.pop()


def _merged(path: str) -> str:
    """Several slashes as one; of nothing but slashes Envoy leaves two."""
    if "//" not in path:
        return path
    inner = "/".join(part for part in path.split("/") if part)
    return f"/{inner}{'/' if path.endswith('/') else ''}"
