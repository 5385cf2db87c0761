"""Save after save: what was kept of the saves before changes nothing of what is made."""

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.build import Options, build
from controlplane.compile.options import Layout
from controlplane.files import Sources
from controlplane.selection.selector import Selector
from controlplane.sources import SourceFile

SHARED = """\
version: 1
listen: {{http: 8080, trustedHops: {hops}}}
identities:
  keys: {{apiKey: {{header: {header}}}}}
consumers:
  reader: {{keys: [{{hash: "sha256:{digest}", scopes: [a]}}]}}
backends:
  calls: {{endpoints: ["10.0.0.1:80"], protocol: {protocol}}}
  plain: http://10.0.0.2:80
"""

DIGESTS = ("a" * 64, "b" * 64)

shared = st.builds(
    SHARED.format,
    hops=st.sampled_from([0, 1]),
    header=st.sampled_from(["x-api-key", "x-key"]),
    digest=st.sampled_from(DIGESTS),
    protocol=st.sampled_from(["http", "grpc"]),
)

HOSTS = ("", "hosts: [a.example.com]\n", 'hosts: [a.example.com, "*.example.com"]\n')
DEFAULTS = (
    "defaults: {auth: none, timeout: 3s}\n",
    "defaults: {auth: {anyOf: [keys]}, limits: [{per: consumer, rate: 9/s}]}\n",
    "defaults: {auth: none, retry: {attempts: 2, codes: [503]}, limits: [{per: ip, rate: 9/s}]}\n",
)
MATCHES = ("", ", methods: [GET]", ", methods: [POST, PUT]", ', headers: {x-version: "2"}')
ACTIONS = (
    "to: calls",
    "to: plain",
    "to: {calls: 90, plain: 10}",
    "respond: {status: 204}",
    'rewrite: {path: "/other/{id}"}, to: plain',
    "auth: {anyOf: [keys], scopes: [a]}, to: calls",
    "limits: [{per: route, rate: 5/min}], to: plain",
    "request: {set: {x-a: b}}, to: calls",
)

Row = tuple[str, str, str]
rows = st.tuples(
    st.sampled_from(["/a/{id}", "/b/{id}", "/c/{id}/**"]),
    st.sampled_from(MATCHES),
    st.sampled_from(ACTIONS),
)


def _file(head: str, hosts: str, defaults: str, written: list[Row]) -> str:
    lines = [f"  - {{path: {path!r}{match}, {action}}}\n" for path, match, action in written]
    return f"{head}{hosts}{defaults}routes:\n{''.join(lines)}"


def _with(head: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    written = st.lists(rows, min_size=1, max_size=4, unique_by=lambda row: row[:2])
    return st.builds(_file, head, st.sampled_from(HOSTS), st.sampled_from(DEFAULTS), written)


LAYOUTS: tuple[Layout, ...] = ("plain", "pages")
NAMES = ("gateway.yaml", "m.yaml", "z.yaml")
saves = st.lists(
    st.one_of(
        st.tuples(st.just(NAMES[0]), _with(shared)),
        st.tuples(st.sampled_from(NAMES[1:]), _with(st.just(""))),
        st.tuples(st.sampled_from(NAMES[1:]), st.none()),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(first=_with(shared), saves=saves, layout=st.sampled_from(LAYOUTS))
def test_every_save_makes_what_a_start_makes(
    first: str, saves: list[tuple[str, str | None]], layout: Layout
) -> None:
    selector, texts, options = Selector(), {NAMES[0]: first}, Options(layout=layout)
    for name, text in [(NAMES[0], first), *saves]:
        texts = {n: t for n, t in {**texts, name: text}.items() if t is not None}
        files = tuple(SourceFile(name=n, data=t.encode()) for n, t in sorted(texts.items()))
        sources = Sources(files=files, mistakes=())
        chosen = selector.choose(sources, (), options)
        assert chosen == Selector().choose(sources, (), options)
        if all(view.state == "current" for view in chosen.files):
            assert chosen.build == build(files, options)
