"""What Envoy says of a request in a CheckRequest, as a decision sees it."""

from collections.abc import Iterator

from envoy.service.auth.v3.attribute_context_pb2 import AttributeContext
from envoy.service.auth.v3.external_auth_pb2 import CheckRequest

from decision.request import Request
from policies.auth.pipeline import CONTEXT, RULE


class MalformedAttributesError(Exception):
    """Attributes that no HTTP request has: nothing can be decided of them. Holds no content."""


def pipeline_hash(check: CheckRequest) -> str:
    """The pipeline that the route asks for, empty where it names none."""
    return str(check.attributes.context_extensions.get(CONTEXT, ""))


def rule_id(check: CheckRequest) -> str:
    """The id of the route, empty where it has none."""
    return str(check.attributes.context_extensions.get(RULE, ""))


def request(check: CheckRequest) -> Request:
    """Read the request. Raises MalformedAttributesError where method or path are missing.

    Envoy is told to send raw headers (`encode_raw_headers`): every line stands in `header_map`,
    pseudo headers too. Texts of the request line are read as Latin-1: any byte is a character.
    """
    http = check.attributes.request.http
    lines = tuple(_lines(http))
    pseudo = [(name, value.decode("latin-1")) for name, value in lines if name.startswith(":")]
    line = dict(pseudo)
    if len(line) != len(pseudo):
        raise MalformedAttributesError("a pseudo header occurs twice")
    method, path = line.get(":method", http.method), line.get(":path", http.path)
    if not method or not path:
        raise MalformedAttributesError("no method or no path")
    return Request(
        method=method,
        path=path,
        host=line.get(":authority", http.host),
        headers=tuple((name, value) for name, value in lines if not name.startswith(":")),
        address=check.attributes.source.address.socket_address.address,
    )


def _lines(http: AttributeContext.HttpRequest) -> Iterator[tuple[str, bytes]]:
    """Header lines. Without raw headers Envoy has joined those of one name by commas.

    What is joined cannot be told from a value with a comma, so each part counts as a line of its
    own: two credentials are never taken for one, and one with a comma in it is refused as two.
    """
    if http.header_map.headers:
        for header in http.header_map.headers:
            yield header.key.lower(), header.raw_value or header.value.encode()
        return
    for name, value in http.headers.items():
        parts = [value] if name.startswith(":") else value.split(",")
        for part in parts:
            yield name.lower(), part.encode()
