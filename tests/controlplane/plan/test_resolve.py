"""Files to a plan: hosts grouped, names looked up, and what files can only get wrong together."""

import pytest

from controlplane.build import Build, Options, build
from controlplane.plan.plan import PlannedRoute
from controlplane.sources import SourceFile

MAIN = """version: 1
hosts: [a.com, b.com]
defaults: {auth: none, timeout: 1s}
backends: {x: http://x}
routes:
  - {path: /a, to: x}
"""
OTHER = "hosts: [b.com, c.com]\ndefaults: {auth: none}\nroutes:\n  - {path: /b, to: x}\n"


def built(**texts: str) -> Build:
    sources = [SourceFile(name=f"{n}.yaml", data=t.encode()) for n, t in texts.items()]
    return build(tuple(sources), Options())


def told(made: Build) -> list[str]:
    return [f"{m.place} {m.severity} {m.message}" for m in made.mistakes]


def alone(routes: str, backends: str = "x: http://x") -> list[str]:
    return told(
        built(
            g=f"version: 1\ndefaults: {{auth: none}}\nbackends: {{{backends}}}\nroutes:\n{routes}"
        )
    )


def test_hosts_that_the_same_files_name_are_one_virtual_host() -> None:
    made = built(gateway=MAIN, other=OTHER)
    assert made.mistakes == ()
    assert made.plan is not None
    shown = {
        h.domains: [e.route.path.text for e in h.entries if isinstance(e, PlannedRoute)]
        for h in made.plan.hosts
    }
    assert shown == {("a.com",): ["/a"], ("b.com",): ["/a", "/b"], ("c.com",): ["/b"]}
    assert [h.name for h in made.plan.hosts] == ["a.com", "b.com", "c.com"]


def test_defaults_hold_for_their_own_file() -> None:
    made = built(gateway=MAIN, other=OTHER)
    assert made.plan is not None
    settings = {
        e.route.path.text: [s.key for s in e.route.settings]
        for h in made.plan.hosts
        for e in h.entries
        if isinstance(e, PlannedRoute)
    }
    assert settings == {"/a": ["auth", "timeout"], "/b": ["auth"]}


def test_placements_say_which_line_asked() -> None:
    made = built(gateway=MAIN)
    assert made.plan is not None
    (entry,) = (e for e in made.plan.hosts[0].entries if isinstance(e, PlannedRoute))
    (placement,) = entry.placements
    assert (placement.key, placement.where, placement.inherited) == ("timeout", "envoy", True)
    assert str(placement.place) == "gateway.yaml:3:24"


def test_files_share_a_host_and_only_equal_ranks_conflict() -> None:
    again = OTHER.replace("/b, to", "/a, to")
    assert told(built(gateway=MAIN, other=again)) == [
        "other.yaml:4:5 error this route and another match the same requests with equal rank"
    ]
    apart = again.replace("b.com, c.com", "c.com")
    assert built(gateway=MAIN, other=apart).mistakes == ()


def test_a_name_defined_twice_is_named_at_both_places() -> None:
    twice = built(gateway=MAIN, other=OTHER.replace("routes:", "backends: {x: http://y}\nroutes:"))
    (mistake,) = twice.mistakes
    assert str(mistake.place) == "other.yaml:3:12"
    assert [str(p) for p in mistake.also] == ["gateway.yaml:4:12"]


def test_names_are_looked_up() -> None:
    assert alone("  - {path: /a, to: y}\n  - {path: /b, to: {x: 50, yy: 50}}\n") == [
        "g.yaml:5:20 error there is no backend 'y'",
        "g.yaml:6:28 error there is no backend 'yy'",
    ]


def test_a_name_in_a_route_with_mistakes_is_looked_up_and_counts_as_used() -> None:
    routes = "  - {path: a, to: y}\n  - {path: /a, to: x}\n"
    assert alone(routes) == [
        "g.yaml:5:12 error a path starts with '/'",
        "g.yaml:5:19 error there is no backend 'y'",
    ]


def test_an_unused_backend_is_a_warning_once_there_are_no_errors() -> None:
    two = "x: http://x, y: http://y"
    assert alone("  - {path: /a, to: x}\n", two) == [
        "g.yaml:3:25 warning no route goes to the backend 'y'"
    ]
    assert alone("  - {path: /a, to: x, priority: z}\n", two) == [
        "g.yaml:5:33 error 'z' is not a whole number"
    ]


def test_a_broken_file_hides_the_names_that_it_may_define() -> None:
    broken = built(gateway=MAIN.replace("{x: http://x}", '{x: "http://x}'), other=OTHER)
    assert told(broken) == ["gateway.yaml:4:15 error this quote is never closed"]
    assert broken.plan is None


@pytest.mark.parametrize("key", ["hosts: [a.com]", "defaults: {auth: none}"])
def test_what_holds_for_routes_that_are_not_there_has_no_effect(key: str) -> None:
    other = OTHER.replace("to: x", "to: y").replace("routes:", "backends: {y: http://y}\nroutes:")
    main = f"version: 1\n{key}\n"
    assert told(built(gateway=main, other=other)) == [
        f"gateway.yaml:2:1 error '{key.partition(':')[0]}' has no effect: this file has no routes"
    ]


def test_a_folder_without_its_main_file() -> None:
    made = built(one=MAIN, two=OTHER)
    assert told(made) == [
        "one.yaml:1:1 error none of these files is gateway.yaml, which says version: 1 for all"
    ]


def test_there_must_be_routes() -> None:
    assert told(built(gateway="version: 1\n")) == ["gateway.yaml:1:1 error there are no routes"]
    text = "version: 1\nbackends: {a: http://a}\n"
    assert told(built(gateway=text)) == ["gateway.yaml:1:1 error there are no routes"]
