"""What was served and is in no file now, and may be in one that stays behind.

A file is renamed, or a route moved, with a mistake on the way: where it was it is gone, where it
went it is not served, and its requests would fall to another route, which may be open.
"""

import re
from collections.abc import Container, Iterable

from controlplane.selection.contender import Contender
from controlplane.selection.match import Match, matches

_PLAIN = re.compile(r"[^{*'\"\\]*")
"""The start of a path or expression that stands in YAML as it is, however it is quoted."""


def left(
    one: Contender, there: Container[Match], behind: Iterable[Contender]
) -> tuple[str, Contender] | None:
    """A path that was served of a file and is not `there` any more, and who may hold it now."""
    known = one.last or one.before
    if known is None:
        return None
    for match, path in matches(known.file).items():
        if match not in there:
            holder = next((other for other in behind if _may_hold(other, path)), None)
            if holder is not None:
                return path, holder
    return None


def _may_hold(one: Contender, path: str) -> bool:
    """Whether a file on disk may have a route of this path: it is in its text, or that is unknown.

    An escape may hide it, and a file that is empty or that breaks off may still be written.
    """
    if one.newest is None:
        return bool(one.unread)
    data = one.newest.source.data
    start = _PLAIN.match(path.removeprefix("{regex: ").removesuffix("}"))
    text = "" if start is None else start[0]
    service = text.strip("/")  # a gRPC method is written without a slash, and has a dot
    written = text.encode() in data or ("." in service and service.encode() in data)
    return written or b"\\" in data or not data.strip() or not one.newest.complete
