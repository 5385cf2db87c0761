"""Whatever files say and however they change: what holds of every choice."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from controlplane.build import Options, build
from controlplane.files import Sources
from controlplane.selection.chosen import Chosen
from controlplane.selection.selector import Selector
from controlplane.sources import SourceFile
from language.mistakes import errors

GATEWAY = "version: 1\ndefaults: {auth: none}\nroutes:\n  - {path: /**, respond: {status: 200}}\n"
TEAMS = ("a", "m", "z")
NAMES = ("x", "y")

Texts = dict[str, str]


@st.composite
def team(draw: st.DrawFn) -> str:
    """A file of backends and routes out of few, so that files stand in each other's way."""
    if draw(st.integers(0, 7)) == 0:
        return draw(st.sampled_from(["", "routes: [", "hosts: [a.example.com]\n", "rutes: {}\n"]))
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    lines = ["defaults: {auth: none}"]
    if names:
        written = ", ".join(f'{name}: "http://{name}:80"' for name in names)
        lines.append(f"backends: {{{written}}}")
    lines.append("routes:")
    for path in draw(st.lists(st.sampled_from(("/1", "/2", "/3")), min_size=1, unique=True)):
        action = draw(st.sampled_from(["respond: {status: 204}", "to: x", "to: y"]))
        lines.append(f"  - {{path: {path}, {action}}}")
    if draw(st.booleans()):
        lines.append("# a comment")
    return "\n".join(lines) + "\n"


gateways = st.sampled_from(
    [GATEWAY, GATEWAY, GATEWAY, GATEWAY + "# more\n", "version: 1\nhosts: ["]
)
folders = st.builds(
    lambda gateway, teams: {"gateway": gateway, **teams},
    gateways,
    st.dictionaries(st.sampled_from(TEAMS), team()),
)


def files(texts: Texts) -> tuple[SourceFile, ...]:
    return tuple(SourceFile(name=f"{n}.yaml", data=t.encode()) for n, t in sorted(texts.items()))


def choose(texts: Texts, good: tuple[SourceFile, ...], selector: Selector | None = None) -> Chosen:
    sources = Sources(files=files(texts), mistakes=())
    return (selector or Selector()).choose(sources, good, Options())


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(folders, min_size=1, max_size=4))
def test_every_choice(steps: list[Texts]) -> None:
    good: tuple[SourceFile, ...] = ()
    selector = Selector()
    for texts in steps:
        chosen = choose(texts, good, selector)
        _the_same_for_everybody(chosen, texts, good)
        _serves(chosen, good)
        _nobody_without_a_mistake_stays_behind(chosen)
        whole = build(files(texts), Options())
        if whole.snapshot is not None and not any(s.held for s in good):
            assert chosen.build.snapshot == whole.snapshot
            assert chosen.mistakes == whole.mistakes
        if chosen.build.snapshot is not None:
            good = chosen.build.sources
            again = choose(texts, good)
            assert {(f.home, f.state == "not served") for f in again.files} == {
                (f.home, f.state == "not served") for f in chosen.files
            }, "who was chosen stays chosen"


def _the_same_for_everybody(chosen: Chosen, texts: Texts, good: tuple[SourceFile, ...]) -> None:
    turned = Sources(files=files(texts)[::-1], mistakes=())
    assert Selector().choose(turned, good[::-1], Options()) == chosen


def _serves(chosen: Chosen, good: tuple[SourceFile, ...]) -> None:
    """Something, once the gateway file was good; without errors; and nobody falls out."""
    states = {view.name: view.state for view in chosen.files}
    if good or states["gateway.yaml"] == "current":
        assert chosen.build.snapshot is not None
        assert not errors(chosen.build.mistakes)
        assert build(chosen.build.sources, Options()).snapshot == chosen.build.snapshot
    else:
        assert chosen.build.snapshot is None
    for source in good:
        if not source.held:
            assert states.get(source.name, "gone") != "not served"


def _nobody_without_a_mistake_stays_behind(chosen: Chosen) -> None:
    main = next(view for view in chosen.files if view.name == "gateway.yaml")
    for view in chosen.files:
        if view.state == "current":
            assert not view.mistakes
        elif main.state != "not served":
            assert errors(view.mistakes), view
        assert {m for m in view.mistakes if not m.also} <= set(chosen.mistakes)


@example(changed="a")
@given(changed=st.sampled_from(TEAMS))
def test_one_that_changes_alone_is_the_only_one_behind(changed: str) -> None:
    routes = "defaults: {auth: none}\nroutes:\n  - {path: /%s, respond: {status: 204}}\n"
    before = {"gateway": GATEWAY, **{name: routes % name for name in TEAMS}}
    good = files(before)
    for text in ("", routes % "a" + (routes % "m").splitlines()[-1] + "\n", routes % "z"):
        chosen = choose({**before, changed: text}, good)
        behind = {view.home for view in chosen.files if view.state != "current"}
        assert behind <= {f"{changed}.yaml"}
