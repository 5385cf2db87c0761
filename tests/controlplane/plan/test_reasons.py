"""Each entry of a host says why it stands behind the one before."""

from controlplane.build import Options, build
from controlplane.plan.plan import PlannedRoute
from controlplane.plan.reasons import reasons
from controlplane.sources import SourceFile

TEXT = """\
version: 1
defaults: {auth: none}
backends: {a: http://a}
routes:
  - {path: /b, to: a}
  - {path: /a, to: a}
  - {path: "/a/{x}", to: a}
  - {path: "/a/{x}", methods: [GET], to: a}
  - {path: "/a/{x}", headers: {p: '1'}, to: a}
  - {path: "/a/{x}", headers: {p: '1', q: '1'}, to: a}
  - {path: "/a/{x}", query: {p: '1'}, to: a}
  - {path: "/a/{x}", query: {q: '1'}, priority: 2, to: a}
  - {path: "/{x}/b", methods: [PUT], to: a}
  - {path: "/a/{x}/**", methods: [PUT], to: a}
  - {path: /c/**, methods: [PUT], to: a}
  - {path: {regex: "/x+"}, methods: [GET], priority: 1, to: a}
  - {path: {regex: "/x*"}, methods: [GET], to: a}
  - {path: {regex: "/y"}, methods: [GET], to: a}
"""


def test_the_first_difference_is_named() -> None:
    plan = build((SourceFile(name="g", data=TEXT.encode()),), Options()).plan
    assert plan is not None
    (host,) = plan.hosts
    told = []
    for one in reasons(host):
        entry = one.entry
        line = entry.route.place.line if isinstance(entry, PlannedRoute) else 0
        told.append((line, one.why))
    assert told == [
        (6, "an exact path"),
        (5, "an exact path, beside the one before"),
        (8, "not exact, after exact paths"),
        (10, "any method, after those with methods"),
        (9, "1 header, after 2"),
        (12, "no headers, after 1"),
        (11, "priority 0, after 2"),
        (7, "no parameters, after 1"),
        (14, "/** after the end at segment 3"),
        (0, "405 behind the routes of its path"),
        (15, "/c beside /a at segment 1"),
        (0, "405 behind the routes of its path"),
        (13, "{x} after 'c' at segment 1"),
        (0, "405 behind the routes of its path"),
        (16, "an expression, after all other paths"),
        (17, "priority 0, after 1"),
        (18, "as the one before: no request matches both, or the order of their text decides"),
        (0, "405 behind all expressions"),
        (0, "405 behind all expressions"),
        (0, "405 behind all expressions"),
    ]
