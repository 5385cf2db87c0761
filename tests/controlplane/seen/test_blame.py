"""Refusals at their lines."""

from controlplane.build import Build, Options, build
from controlplane.seen.blame import Blames, changed_routes, places
from controlplane.seen.fleet import NodeView, TypeView
from controlplane.snapshot import CLUSTER, ROUTES, Subject
from controlplane.sources import SourceFile
from controlplane.xds.events import Nacked
from language.places import Place

A, B, R = Place("f", 1, 1), Place("f", 2, 1), Place("f", 3, 1)
LINES = {Subject(CLUSTER, "a"): (A,), Subject(CLUSTER, "ab"): (B,), Subject(ROUTES, "http"): (R,)}


def nacked(type_url: str, message: str, *content: tuple[str, str]) -> Nacked:
    return Nacked(node="n", type_url=type_url, version="1", message=message, content=content)


def test_the_longest_name_in_the_words_is_to_blame() -> None:
    assert places(nacked(CLUSTER, "cluster ab: bad"), LINES) == (B,)


def test_words_without_a_name_are_about_the_only_resource() -> None:
    assert places(nacked(ROUTES, "missing ]", ("http", "1")), LINES) == (R,)
    assert places(nacked(CLUSTER, "no", ("x", "1"), ("y", "1")), LINES) == ()


def test_words_about_routes_are_about_those_that_changed() -> None:
    def built(path: str) -> Build:
        lines = "".join(f"  - {{path: {p}, respond: {{status: 200}}}}\n" for p in ("/a", path))
        text = f"version: 1\ndefaults: {{auth: none}}\nroutes:\n{lines}"
        return build((SourceFile(name="f", data=text.encode()),), Options())

    old, new = built("/b"), built("/c")
    (subject,) = changed = changed_routes(old.snapshot, new.snapshot)
    assert [p.line for p in new.provenance[subject]][:1] == [5]
    refused = nacked(ROUTES, "http: no such thing", ("http", "1"))
    assert [p.line for p in places(refused, new.provenance, changed)] == [5]
    assert changed_routes(None, new.snapshot) == frozenset()
    blames = Blames()
    blames.remember(refused, new, old)
    one = TypeView(type_url=ROUTES, message="no")
    node = NodeView(
        node="n",
        role="envoy",
        group="",
        software="",
        delta=True,
        since=0.0,
        version="1",
        state="rejected",
        phase="done",
        types=(one,),
    )
    assert [p.line for v in blames.placed([node]) for t in v.types for p in t.places] == [5]


def test_a_node_is_shown_with_the_lines_as_long_as_it_refuses() -> None:
    blames = Blames()
    target = Build(sources=(), mistakes=(), plan=None, snapshot=None, provenance=LINES)
    blames.remember(nacked(CLUSTER, "cluster ab: bad"), target, None)

    def node(message: str) -> NodeView:
        one = TypeView(type_url=CLUSTER, message=message)
        return NodeView(
            node="n",
            role="envoy",
            group="",
            software="",
            delta=True,
            since=0.0,
            version="1",
            state="rejected",
            phase="done",
            types=(one,),
        )

    assert [t.places for v in blames.placed([node("bad"), node("")]) for t in v.types] == [(B,), ()]


def test_whom_envoy_names_is_to_blame_and_not_whose_name_is_in_its_words() -> None:
    words = "Error adding/updating cluster(s) b: Invalid path: /a/ab.pem"
    lines = {**LINES, Subject(CLUSTER, "b"): (R,)}
    assert places(nacked(CLUSTER, words), lines) == (R,)
