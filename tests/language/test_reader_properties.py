"""The reader against PyYAML on plain documents, and against whatever bytes there are.

`FOREGATE_EXAMPLES` sets how many broken files are tried (2,000 unless told, up to 10,000).
"""

import os
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from language.nodes import ListNode, MapNode, Node, Scalar
from language.reader import read
from language.report import as_json, render
from language.source import LINE_BREAK

BROKEN = settings(
    max_examples=min(int(os.environ.get("FOREGATE_EXAMPLES", "2000")), 10_000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
PLAIN = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_GATEWAY = """\
# a comment
version: 1
hosts: [api.example.com, "*.example.org"]
defaults:
  timeout: 3s
  retry: {attempts: 2, codes: [502, 503], perTry: 1s}
  response: {remove: [server]}
backends:
  users: http://users:8080
  orders-v2: {url: "http://orders-v2:8080", caps: {requests: 200}}
routes:
  - path: /v1/users/**
    to: users
  - path: "/old/{rest=**}"
    methods: [GET]
    respond:
      status: 200
      body: |
        first
          second
      headers: {'x-a': "caf\\u00e9", x-b: é}
"""
_PIECES = st.sampled_from(
    [
        *("\t", " ", "  ", "\n", "\r\n", "\r", ":", ": ", "- ", "? ", "#", " #", ",", "|", ">"),
        *("[", "]", "{", "}", "{x}", "${X}", "'", '"', "\\", "&a ", "*a", "!t ", "<<: ", "~"),
        *("---\n", "...\n", "%YAML 1.1\n", "::1", "@", "`", "%", "null", "\n    ", "key: "),
        *("\0", "\x1b", "\x85", "\u2028", "\ufeff", "\u00a0", "名", "\U0001f600", "\ud800"),
        *("version: 2\n", "[" * 70, "[" * 2000, "a" * 1100),
    ]
)  # fmt: skip
_CHANGES = st.lists(
    st.tuples(st.integers(0, len(_GATEWAY)), st.integers(0, 12), _PIECES), min_size=1, max_size=4
)

_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf"))
    | st.sampled_from(" :#-{}[],'\"\n"),
    min_size=1,
    max_size=12,
).filter(lambda text: text not in ("~", "null", "Null", "NULL", "<<") and "\ufffe" not in text)
_TREES: st.SearchStrategy[Any] = st.recursive(
    _TEXTS,
    lambda below: (
        st.lists(below, min_size=1, max_size=4)
        | st.dictionaries(_TEXTS, below, min_size=1, max_size=4)
    ),
    max_leaves=20,
)


def _changed(changes: list[tuple[int, int, str]]) -> bytes:
    text = _GATEWAY
    for at, length, piece in changes:
        text = text[:at] + piece + text[at + length :]
    return text.encode("utf-8", "surrogatepass")


def _sound(data: bytes) -> None:
    """What holds for every file: it is answered, each mistake is in it, and it can be shown."""
    document = read("f.yaml", data)
    lines = LINE_BREAK.split(document.text)
    for mistake in document.mistakes:
        for place in (mistake.place, *mistake.also):
            assert 1 <= place.line <= len(lines), mistake
            assert 1 <= place.column <= len(lines[place.line - 1]) + 1, mistake
        assert mistake.message
        assert mistake.width >= 1
        assert not mistake.message.startswith("this is not YAML"), mistake
    assert document.mistakes or document.root is not None
    assert document.mistakes or document.complete
    report = render(document.mistakes, {"f.yaml": document.text})
    assert all(char.isprintable() for line in report.split("\n") for char in line)
    assert len(as_json(document.mistakes)) == len(document.mistakes)


@BROKEN
@given(_CHANGES)
def test_changed_files_are_answered(changes: list[tuple[int, int, str]]) -> None:
    _sound(_changed(changes))


@BROKEN
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_heaps_of_signs_are_answered(text: str) -> None:
    _sound(text.encode("utf-8", "surrogatepass"))


@settings(BROKEN, max_examples=BROKEN.max_examples // 4)
@given(st.binary(max_size=200))
def test_bytes_are_answered(data: bytes) -> None:
    _sound(data)


@PLAIN
@given(
    tree=_TREES,
    flow=st.sampled_from([True, False, None]),
    style=st.sampled_from([None, None, "'", '"', "|", ">"]),
    indent=st.integers(2, 6),
    width=st.integers(20, 200),
)
def test_plain_documents_are_read_as_pyyaml_reads_them(
    *, tree: Any, flow: bool | None, style: str | None, indent: int, width: int
) -> None:
    text = yaml.serialize(
        _to_write(tree, style, flow=flow),
        Dumper=yaml.BaseDumper,  # which has no types, so that `no` and `22:22` need no quotes
        indent=indent,
        width=width,
        allow_unicode=True,
    )
    document = read("f.yaml", text.encode())
    assert document.mistakes == ()
    # The composer in pure Python shares nothing with the events that the reader is built on.
    assert document.root == _as_read(yaml.compose(text, Loader=yaml.SafeLoader))


def _to_write(tree: Any, style: str | None, *, flow: bool | None) -> yaml.Node:
    if isinstance(tree, str):
        return yaml.ScalarNode("tag:yaml.org,2002:str", tree, style=style)
    if isinstance(tree, list):
        items = [_to_write(item, style, flow=flow) for item in tree]
        return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=flow)
    pairs = [
        (_to_write(k, None, flow=flow), _to_write(v, style, flow=flow)) for k, v in tree.items()
    ]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=flow)


def _as_read(node: Any) -> Node:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.ScalarNode):
        return Scalar(node.value, line, column, quoted=bool(node.style))
    if isinstance(node, yaml.SequenceNode):
        return ListNode(tuple(_as_read(item) for item in node.value), line, column)
    entries = []
    for name, value in node.value:
        key = _as_read(name)
        assert isinstance(key, Scalar)
        entries.append((key, _as_read(value)))
    return MapNode(tuple(entries), line, column)
