"""The settings of `cors`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from language.decode import settings
from language.durations import duration
from language.fields import HeaderName, Method
from language.origins import ANY, OriginText
from language.scalars import UNIQUE, Flag
from policies.contract import Action, Fault, RouteFacts, RouteKey, Settings
from policies.edge import FRAMING

KEY = "cors"

ANSWERED = "access-control-"
"""What the headers begin with that say what a page may: on a route with `cors` the gateway's."""

SAFELISTED = ("GET", "HEAD", "POST")
"""The methods that browsers let every page ask with, named or not (Fetch, CORS-safelisted)."""

_UNSETTABLE = frozenset(
    (
        *("accept-charset", "accept-encoding", "access-control-request-headers"),
        *("access-control-request-method", "access-control-request-private-network"),
        *("connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect", "host"),
        *("keep-alive", "origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding"),
        *("upgrade", "via"),
    )
)
"""Headers that no page may set (Fetch, forbidden request-headers), besides `proxy-` and `sec-`."""

_UNREADABLE = frozenset({"set-cookie", "set-cookie2"})
"""Headers that no page may read (Fetch, forbidden response-headers)."""

_READABLE = frozenset(
    (
        *("cache-control", "content-language", "content-length", "content-type", "expires"),
        *("last-modified", "pragma"),
    )
)
"""Headers that every page may read (Fetch, CORS-safelisted response-header names)."""


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """What pages of some origins may do from a browser."""

    origins: Annotated[
        tuple[OriginText, ...],
        UNIQUE,
        Field(description='https://HOST, "https://*.HOST" for all below it, or "*" for any.'),
    ]
    methods: Annotated[
        tuple[Method, ...],
        UNIQUE,
        Field(description="The methods; the route's, or GET, HEAD and POST where it names none."),
    ] = ()
    headers: Annotated[
        tuple[HeaderName, ...],
        UNIQUE,
        Field(description="Request headers that pages may set, beside those that all may."),
    ] = ()
    expose: Annotated[
        tuple[HeaderName, ...],
        UNIQUE,
        Field(description="Headers of answers that pages may read, beside those that all may."),
    ] = ()
    credentials: Annotated[
        Flag, Field(description="Whether pages may ask with the user's cookies; false.")
    ] = False
    max_age: Annotated[
        int | None,
        *duration("1s", "1d"),
        Field(description="How long browsers remember the answer to a preflight."),
    ] = None

    def allowed_methods(self, facts: RouteFacts) -> tuple[str, ...]:
        """The methods that pages may use of those that the route takes."""
        methods = self.methods or facts.methods or SAFELISTED
        return tuple(m for m in methods if not facts.methods or m in facts.methods)


def _faults(settings: Cors, facts: RouteFacts) -> Iterable[Fault]:
    if not settings.origins:
        yield Fault(path=("origins",), message="no origin is named", hint="write cors: none")
    yield from _origin_faults(settings)
    if settings.max_age is not None and settings.max_age % 1000:
        message = "browsers remember for whole seconds"
        yield Fault(path=("maxAge",), message=message, hint="write 1s, or 2s")
    for position, method in enumerate(settings.methods):
        if facts.methods and method not in facts.methods:
            yield Fault(
                path=("methods", position),
                message=f"{method} has no effect: this route does not take it",
                hint="leave it out, or add it to the route's methods",
                idle=True,
            )
    yield from _header_faults(settings)


def _header_faults(settings: Cors) -> Iterable[Fault]:
    for key, named in (("headers", settings.headers), ("expose", settings.expose)):
        for position, name in enumerate(named):
            if name == ANY:
                message = "'*' covers no authorization, and nothing where credentials are sent"
                yield Fault(path=(key, position), message=message, hint="name each header")
    for position, name in enumerate(settings.headers):
        if name in _UNSETTABLE or name.startswith(("proxy-", "sec-")):
            message = f"'{name}' has no effect: browsers let no page set it"
            yield Fault(path=("headers", position), message=message, hint="leave it out")
    for position, name in enumerate(settings.expose):
        if name in _UNREADABLE:
            message = f"'{name}' has no effect: browsers let no page read it"
            yield Fault(path=("expose", position), message=message, hint="leave it out")
        elif name in _READABLE:
            message = f"'{name}' has no effect: every page may read it"
            yield Fault(
                path=("expose", position), message=message, hint="leave it out", warning=True
            )
        elif name in FRAMING:
            message = f"'{name}' has no effect: it is of one connection, and reaches no page"
            yield Fault(
                path=("expose", position), message=message, hint="leave it out", warning=True
            )


def _origin_faults(settings: Cors) -> Iterable[Fault]:
    for position, origin in enumerate(settings.origins):
        if origin.text == ANY and settings.credentials:
            yield Fault(
                path=("origins", position),
                message="'*' with credentials lets every page act as the user who visits it",
                hint="name the origins, or leave credentials out",
                beside=("credentials",),
            )
            return
        over = next((o for o in settings.origins if o != origin and o.holds(origin)), None)
        if over is not None:
            message = f"'{origin.text}' has no effect: '{over.text}' takes it"
            yield Fault(path=("origins", position), message=message, hint="keep one of them")


def _clashes(settings: Cors, others: Mapping[str, Settings]) -> Iterable[Fault]:
    """What `response` does to the headers that browsers and caches are told with."""
    response = others.get("response")
    if response is None:
        return
    for name in (*response.set, *response.add, *response.remove):
        if name.startswith(ANSWERED):
            yield Fault(
                path=(),
                message=f"cors and response both say '{name}'",
                hint="leave it out of response, or write cors: none",
            )
    for position, name in enumerate(settings.expose):
        if name in response.remove:
            message = f"'{name}' has no effect: 'response' removes it"
            hint = "leave it out of one"
            yield Fault(path=("expose", position), message=message, hint=hint, idle=True)
    for name in (*response.set, *response.remove):
        if name == "vary":
            yield Fault(
                path=(),
                message="response takes 'vary' away, which keeps one page's answer from another",
                hint="use response.add, or write cors: none",
            )


KEYS = (
    RouteKey(
        name=KEY,
        settings=Cors,
        summary="Which pages may ask from a browser; preflights are answered without auth.",
        example='cors: {origins: ["https://app.example.com"], headers: [authorization]}',
        in_envoy="a native filter answers preflights",
        actions=frozenset({Action.FORWARD}),
        atom=True,
        faults=_faults,
        clashes=_clashes,
    ),
)
