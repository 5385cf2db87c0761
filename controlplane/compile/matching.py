"""What a request must be, as Envoy's RouteMatch."""

from envoy.config.route.v3 import route_components_pb2 as pb

from controlplane.model.gateway import Route
from language.matches import How, TextMatch
from language.paths import PathPattern

REQUESTED = "access-control-request-method"
"""What makes an OPTIONS request of a page a preflight (Fetch), and says what it asks about."""


def match_path(path: PathPattern, match: pb.RouteMatch) -> None:
    """Put a path on a match."""
    if not path.text_alone:
        match.safe_regex.regex = path.regex
    elif path.rest is None:
        match.path = path.literal
    elif path.literal:
        match.path_separated_prefix = path.literal
    else:
        match.prefix = "/"


def match_conditions(route: Route, match: pb.RouteMatch) -> None:
    """Put methods, headers and parameters on a match."""
    methods = route.match.methods
    if methods:
        method = match.headers.add(name=":method")
        if len(methods) == 1:
            method.string_match.exact = methods[0]
        else:
            method.string_match.safe_regex.regex = _one_of(methods)
    for name, wanted in route.match.headers.items():
        _compared(wanted, match.headers.add(name=name))
    for name, wanted in route.match.query.items():
        _compared(wanted, match.query_parameters.add(name=name))


def match_preflight(
    match: pb.RouteMatch, methods: tuple[str, ...] = (), others: tuple[str, ...] = ()
) -> None:
    """What makes a request a preflight (Fetch), with one of these methods or none of the others."""
    match.headers.add(name=":method").string_match.exact = "OPTIONS"
    match.headers.add(name="origin").string_match.safe_regex.regex = ".+"
    requested = match.headers.add(name=REQUESTED).string_match
    if len(methods) == 1:
        requested.exact = methods[0]
    else:
        requested.safe_regex.regex = _one_of(methods) or ".+"
    for method in others:
        unlike = match.headers.add(name=REQUESTED, invert_match=True)
        unlike.string_match.exact = method


def _compared(wanted: TextMatch, out: pb.HeaderMatcher | pb.QueryParameterMatcher) -> None:
    match wanted.how:
        case How.EXACT:
            out.string_match.exact = wanted.text
        case How.PREFIX:
            out.string_match.prefix = wanted.text
        case How.REGEX:
            out.string_match.safe_regex.regex = wanted.text
        case How.PRESENT | How.ABSENT:
            out.present_match = wanted.how is How.PRESENT


def _one_of(methods: tuple[str, ...]) -> str:
    return "|".join(map(_escaped, methods))


def _escaped(method: str) -> str:
    return "".join(c if c.isalnum() or c == "-" else f"\\{c}" for c in method)
