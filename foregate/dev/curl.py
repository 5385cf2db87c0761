"""Curl lines that try a gateway's routes, from its plan."""

import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from controlplane.model.gateway import Route
from controlplane.plan.plan import Plan, PlannedRoute
from foregate.dev.credentials import Wallet
from language.matches import How, TextMatch
from language.paths import PathPattern
from language.segments import Kind
from policies.auth.pipeline import Pipeline
from policies.contract import Action

LINES = 6

SURE, SHOWN, OPEN = range(3)
"""How far a line can be trusted: it succeeds; it is a redirect; it depends on somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that a route takes, `host` empty where any will do."""

    method: str
    host: str
    path: str
    headers: tuple[tuple[str, str], ...]
    show_head: bool
    credential: tuple[str, str] | None = None

    def line(self, base: str) -> str:
        """The request as a shell takes it."""
        words = ["curl"]
        if self.show_head:
            words.append("-i")
        if self.method == "HEAD":
            words.append("-I")
        elif self.method != "GET":
            words += ["-X", self.method]
        fields = (("host", self.host), *self.headers) if self.host else self.headers
        for name, value in fields:
            words += ["-H", f"{name}: {value}"]
        line = shlex.join([*words, base + self.path])
        if self.credential is None:
            return line
        name, value = self.credential  # in double quotes: a token is a variable of the shell
        return line.replace("curl", f'curl -H "{name}: {value}"', 1)


def curl_lines(
    plan: Plan, base: str, served: Collection[str], wallet: Wallet, most: int = LINES
) -> tuple[str, ...]:
    """Some lines to try: those that surely succeed before others, the plainest first.

    `served` are the backends that somebody answers for; `wallet` has credentials. A route that
    nothing in it opens gets no line.
    """
    found: dict[str, tuple[int, int]] = {}
    for host in plan.hosts:
        name = _host_of(host.domains)
        for entry in host.entries:
            if isinstance(entry, PlannedRoute) and not entry.held:
                trust = _trust(entry.route, served)
                pipeline = next((s.value for s in entry.settings if s.key == "auth"), None)
                credential = wallet.header(pipeline) if isinstance(pipeline, Pipeline) else None
                closed = isinstance(pipeline, Pipeline) and credential is None
                known = _example(entry.route)
                if trust is not None and known and not closed and not _refuses_us(entry):
                    call = _call(entry.route, name, credential)
                    conditions = len(call.headers) + len(entry.route.match.query)
                    found.setdefault(call.line(base), (trust, conditions))
    return tuple(sorted(found, key=lambda line: found[line])[:most])


def _trust(route: Route, served: Collection[str]) -> int | None:
    """How far a request to a route is sure to succeed; None where it is sure not to."""
    if route.action is Action.REDIRECT:
        return SHOWN
    if route.action is Action.RESPOND:
        status = next(s.value.status for s in route.settings if s.key == Action.RESPOND.value)
        return SURE if status < 400 else None
    targets = [name for name, weight in (route.match.to or {}).items() if weight]
    return SURE if all(name in served for name in targets) else OPEN


def _refuses_us(entry: PlannedRoute) -> bool:
    """Whether addresses are asked for: which, is not looked at."""
    return any(setting.key == "ip" for setting in entry.settings)


def _call(route: Route, host: str, credential: tuple[str, str] | None) -> Call:
    match = route.match
    # Parameters are compared as they are sent, so a value stands in the file as in the URL.
    parameters = _sent(match.query)
    query = "?" + "&".join(f"{name}={value}" for name, value in parameters)
    return Call(
        method="GET" if not match.methods or "GET" in match.methods else match.methods[0],
        host=host,
        path="".join(_segments(route.path)) + (query if parameters else ""),
        headers=_sent(match.headers),
        show_head=route.action is Action.REDIRECT,
        credential=credential,
    )


def _example(route: Route) -> bool:
    """Whether a request can be written down: no text of an expression, and no call, is."""
    wanted = (*route.match.headers.values(), *route.match.query.values())
    known = not route.path.is_regex and route.match.grpc is None
    return known and all(one.how is not How.REGEX for one in wanted)


def _sent(wanted: Mapping[str, TextMatch]) -> tuple[tuple[str, str], ...]:
    """Names and values as they are wanted: what need only be there is 1."""
    return tuple(
        (name, "1" if one.how is How.PRESENT else one.text)
        for name, one in wanted.items()
        if one.how is not How.ABSENT
    )


def _segments(path: PathPattern) -> Iterator[str]:
    """A path that the pattern matches: a variable is 1, a rest without a name is left out."""
    for number, segment in enumerate(path.segments):
        if segment.kind is Kind.LITERAL:
            yield f"/{segment.text}"
        elif segment.kind is Kind.VARIABLE or segment.text:
            yield "/1"
        elif number == 0:
            yield "/"


def _host_of(domains: tuple[str, ...]) -> str:
    """A host that the domains take, empty where every host does."""
    if "*" in domains:
        return ""
    return min(domains, key=lambda domain: "*" in domain).replace("*", "any", 1)
