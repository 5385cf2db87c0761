"""The user's page of each policy: whole, and true in what can be checked."""

import re

import pytest

from controlplane.build import Options, build
from controlplane.model.keys import decoder
from controlplane.model.schema import json_schema
from controlplane.sources import SourceFile
from language.decode import Refused
from language.nodes import MapNode, Node, Scalar
from language.reader import read
from policies import POLICIES
from policies.contract import Key, NamedKey
from tests.policies.policy_folders import FOLDERS, every_key, keys, mappings, page, sub_keys

each_policy = pytest.mark.parametrize("policy", POLICIES)
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(?P<key>\w+)` \| .* \| (?P<default>[^|]+) \|$", re.MULTILINE)


def rows(policy: str) -> dict[str, str]:
    """The table of a page: key to what stands as its default."""
    return {row["key"]: row["default"] for row in ROW.finditer(page(policy))}


def value_of(text: str) -> Node:
    """The node of a value, or of `key: value`."""
    document = read("page.yaml", text.encode())
    assert document.root is not None
    assert not document.mistakes
    return document.root


@each_policy
def test_a_page_starts_with_its_name_and_says_what_enforces_it(policy: str) -> None:
    text = page(policy)
    assert text.startswith("# ")
    first = text.partition("\n")[0]
    assert policy in first or any(key.name in first for key in keys(policy))
    assert "\n## At the edges\n" in text
    assert "\n## In Envoy\n" in text


@each_policy
def test_the_table_of_a_page_holds_each_key_and_no_other(policy: str) -> None:
    below = {name for key in keys(policy) for name in sub_keys(key)}
    alone = {key.name for key in keys(policy) if not sub_keys(key)}
    written = set(rows(policy))
    assert below | alone <= written
    assert written <= below | {key.name for key in keys(policy)}
    assert all(f"`{key.name}`" in page(policy) or key.name in page(policy) for key in keys(policy))


@each_policy
def test_the_examples_of_a_page_are_right(policy: str) -> None:
    blocks = [block for block in BLOCK.findall(page(policy)) if block.startswith("version:")]
    assert blocks
    for block in blocks:
        made = build(
            (SourceFile(name="page.yaml", data=block.encode()),),
            Options(trust_store="authorities.pem"),
        )
        assert made.mistakes == ()
    for key in keys(policy):
        assert any(re.search(rf"\b{key.name}:", block) for block in blocks)


@pytest.mark.parametrize("key", every_key(), ids=lambda key: key.name)
def test_a_default_of_the_table_is_what_holds_where_nothing_is_written(key: Key) -> None:
    policy = next(p for p in POLICIES if key in keys(p))
    example = value_of(key.example)
    assert isinstance(example, MapNode)
    ((_, settings),) = example.entries
    if isinstance(key, NamedKey):
        assert isinstance(settings, MapNode)
        ((_, settings),) = settings.entries
    for name, default in rows(policy).items():
        literal = re.fullmatch(r"`(.+)`", default)
        if literal and name in sub_keys(key):
            assert isinstance(settings, MapNode)
            silent = tuple(e for e in settings.entries if e[0].text != name)
            ((_, node),) = _entries(f"{name}: {literal[1]}")
            said = (*silent, (Scalar(name, 1, 1, quoted=False), node))
            left = decoder(key).decode("page", MapNode(silent, 1, 1), None)
            right = decoder(key).decode("page", MapNode(said, 1, 1), None)
            assert not isinstance(left, Refused)
            assert left == right


def _entries(text: str) -> tuple[tuple[Scalar, Node], ...]:
    root = value_of(text)
    assert isinstance(root, MapNode)
    return root.entries


def test_pages_link_and_name_nothing_that_is_not_there() -> None:
    words = {name for one in mappings(json_schema()) for name in one.get("properties", {})}
    for policy in POLICIES:
        text = re.sub(r"```.*?```", "", page(policy), flags=re.DOTALL)
        for outer, inner in re.findall(r"`([a-z]\w+)\.(\w+)`", text):
            assert {outer, inner} <= words, f"{policy}: {outer}.{inner}"
        for target in re.findall(r"\]\(([^)]+)\)", text):
            assert (FOLDERS / policy / target).exists(), f"{policy}: {target}"
