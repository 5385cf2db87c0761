"""Ties: what the sweep finds is what comparing each route with each finds."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from controlplane.build import Options, build
from controlplane.model.gateway import Route
from controlplane.plan.conditions import conditions, meet, methods
from controlplane.plan.plan import PlannedRoute
from controlplane.plan.precedence import rank
from controlplane.plan.ties import ties
from controlplane.sources import SourceFile

VALUES = st.sampled_from(
    (
        *("'1'", "'2'", "{prefix: '1'}", "{regex: '[12]'}", "{regex: '.*3'}"),
        *("{present: true}", "{present: false}"),
    )
)
PATHS = st.sampled_from(["/a", "{regex: '/a.*'}", "{regex: '/b.*'}", "{regex: '/.*c'}"])


@st.composite
def routes(draw: st.DrawFn) -> str:
    parts = [f"path: {draw(PATHS)}"]
    for key in ("headers", "query"):
        wanted = draw(st.dictionaries(st.sampled_from(["p", "q", "r"]), VALUES, max_size=2))
        inner = ", ".join(f"{name}: {value}" for name, value in wanted.items())
        parts += [f"{key}: {{{inner}}}"] if inner else []
    parts += [f"methods: [{draw(st.sampled_from(['GET', 'PUT']))}]"] if draw(st.booleans()) else []
    return f"  - {{{', '.join(parts)}, to: x}}\n"


def read(written: list[str]) -> list[Route]:
    text = "version: 1\ndefaults: {auth: none}\nbackends: {x: http://x}\nroutes:\n"
    made = build((SourceFile(name="g", data=(text + "".join(written)).encode()),), Options())
    assert made.plan is not None, made.mistakes
    return [e.route for h in made.plan.hosts for e in h.entries if isinstance(e, PlannedRoute)]


@given(st.lists(routes(), min_size=2, max_size=12))
def test_every_route_in_the_way_is_told_of_once(written: list[str]) -> None:
    by_rank: dict[tuple[object, ...], list[Route]] = {}
    for route in read(written):
        by_rank.setdefault(rank(route), []).append(route)
    for same in by_rank.values():
        found = list(ties(same))
        wanted = [pair for pair in combinations(same, 2) if collide(*pair)]
        told = {later.place for _, later in found}
        assert len(told) == len(found)
        assert all(collide(*pair) and pair[0].place < pair[1].place for pair in found)
        untold = [pair for pair in wanted if not {one.place for one in pair} & told]
        assert untold == []


def test_thousands_of_routes_that_have_one_name_apart() -> None:
    # each has a header that no other has: comparing each with each took minutes
    written = [
        f"  - {{path: /a, headers: {{y{i}: '1', z: {{prefix: 'a{i:04}'}}}}, to: x}}\n"
        for i in range(2000)
    ]
    assert list(ties(read(written))) == []


def collide(one: Route, other: Route) -> bool:
    apart = set(methods(one)).isdisjoint(methods(other))
    return not apart and meet(conditions(one), conditions(other))
