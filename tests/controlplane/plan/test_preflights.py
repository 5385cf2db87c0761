"""Which policy answers a preflight: that of the route which its path and method would take."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from controlplane.build import Options, build
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute, Preflight
from controlplane.plan.precedence import ordered
from controlplane.plan.preflights import has_cors
from controlplane.sources import SourceFile
from language.regexes import matches

PATHS = ("/a", "/a/b", '"/a/{x}"', '"/a/**"', '"/**"', '{regex: "/a/[a-z]+"}')
METHODS = ("GET", "POST", "OPTIONS")
ASKED = (*METHODS, "DELETE")
URLS = ("/a", "/a/b", "/a/bc", "/a/1", "/b")


def planned(*routes: str) -> tuple[PlannedRoute, ...]:
    """Routes written in one line each, of different priorities so that none are equal."""
    text = "version: 1\nbackends: {users: http://users}\ndefaults: {auth: none}\nroutes:\n"
    text += "".join(
        f"  - {{priority: {n}, to: users, {one}}}\n" for n, one in enumerate(routes, start=1)
    )
    made = build((SourceFile(name="gateway.yaml", data=text.encode()),), Options())
    assert made.plan is not None, made.mistakes
    return tuple(e for h in made.plan.hosts for e in h.entries if isinstance(e, PlannedRoute))


def naive(routes: tuple[PlannedRoute, ...], path: str, requested: str) -> str | None:
    """The rule whose policy answers, by the sentence of the language; None where none does."""
    in_order = [e for e in ordered(routes, "*") if isinstance(e, PlannedRoute)]
    same = [one for one in in_order if matches(one.route.path.regex, path)]
    for one in same:
        if one.route.path.shape == same[0].route.path.shape:
            methods = one.route.match.methods
            if not methods or requested in methods:
                return one.rule if has_cors(one) else None
    return None


def met(routes: tuple[PlannedRoute, ...], path: str, requested: str, *, beta: bool) -> Entry | None:
    """The entry that Envoy takes for a preflight."""
    return next((e for e in ordered(routes, "*") if _takes(e, path, requested, beta=beta)), None)


def _takes(entry: Entry, path: str, requested: str, *, beta: bool) -> bool:
    at = entry.route.path if isinstance(entry, PlannedRoute) else entry.path
    if not matches(at.regex, path):
        return False
    match entry:
        case Preflight():
            return entry.answers(requested)
        case MethodNotAllowed():
            return "OPTIONS" not in entry.allow
        case PlannedRoute():
            match = entry.route.match
            return (not match.methods or "OPTIONS" in match.methods) and (beta or not match.headers)


def answering(entry: Entry | None) -> str | None:
    """The rule whose policy answers in an entry; Envoy's filter answers wherever one is set."""
    if isinstance(entry, Preflight):
        return None if entry.route is None else entry.route.rule
    if isinstance(entry, PlannedRoute) and has_cors(entry) and not entry.unanswered:
        return entry.rule
    return None


@st.composite
def some_routes(draw: st.DrawFn) -> tuple[PlannedRoute, ...]:
    written = []
    for _ in range(draw(st.integers(1, 6))):
        words = [f"path: {draw(st.sampled_from(PATHS))}"]
        methods = draw(st.lists(st.sampled_from(METHODS), unique=True, max_size=2))
        words += [f"methods: [{', '.join(methods)}]"] if methods else []
        words += ['headers: {x-beta: "1"}'] if draw(st.booleans()) else []
        words += ['cors: {origins: ["https://a.example"]}'] if draw(st.booleans()) else []
        written.append(", ".join(words))
    held = draw(st.sets(st.integers(0, 5), max_size=1))
    return tuple(
        replace(one, held=True, settings=(), placements=()) if n in held else one
        for n, one in enumerate(planned(*written))
    )


@given(routes=some_routes(), beta=st.booleans())
def test_the_policy_is_that_of_the_route_that_path_and_method_would_take(
    *, routes: tuple[PlannedRoute, ...], beta: bool
) -> None:
    for path in URLS:
        for requested in ASKED:
            entry = met(routes, path, requested, beta=beta)
            assert answering(entry) == naive(routes, path, requested), (path, requested)


@given(routes=some_routes(), beta=st.booleans())
def test_what_no_policy_answers_is_an_ordinary_request_or_refused(
    *, routes: tuple[PlannedRoute, ...], beta: bool
) -> None:
    ordinary = tuple(e for e in ordered(routes, "*") if not isinstance(e, Preflight))
    for path in URLS:
        for requested in ASKED:
            entry = met(routes, path, requested, beta=beta)
            if not isinstance(entry, Preflight):
                taken = (e for e in ordinary if _takes(e, path, requested, beta=beta))
                assert entry == next(taken, None)


def test_preflights_stand_before_the_routes_of_their_path() -> None:
    cors = 'cors: {origins: ["https://a.example"]}'
    routes = planned(
        f"path: /a, methods: [GET], {cors}",
        "path: /a, methods: [PUT]",
        f"path: /a, methods: [PATCH, PUT], {cors}",
        f"path: '/b/**', {cors}",
        "path: '/b/**', methods: [PUT]",
    )
    entries = ordered(routes, "*")
    assert [type(one) for one in entries] == [
        *(Preflight, Preflight, PlannedRoute, PlannedRoute, PlannedRoute, MethodNotAllowed),
        *(Preflight, PlannedRoute, PlannedRoute),
    ]
    found = [(e.methods, e.others) for e in entries if isinstance(e, Preflight)]
    assert found == [(("PATCH", "PUT"), ()), (("GET",), ()), ((), ("PUT",))]
    rest = entries[-1]
    assert isinstance(rest, PlannedRoute)
    assert rest.unanswered
