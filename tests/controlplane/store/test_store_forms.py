"""Manifests and lines: what was written is read, and anything else is known as such."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.snapshot import Reference, Subject
from controlplane.store.holdings import Holdings
from controlplane.store.lines import Defined, Held, Line, decode, defined, encode, split, whole
from controlplane.store.manifests import (
    FORMAT,
    Entry,
    Listed,
    Manifest,
    decode_build,
    decode_set,
    digest,
    encode_build,
    encode_lines,
    encode_set,
)
from controlplane.store.shapes import MalformedError
from language.places import Place
from policies.auth.sources import KeySource, Origin

text = st.text(st.characters(), max_size=4)
numbers = st.integers()
digests = st.binary(max_size=2).map(digest)
entry = st.builds(
    Entry,
    type_url=st.just("t"),
    name=text,
    version=text,
    needs=st.frozensets(st.builds(Reference, text, text), max_size=2),
    body=st.just("") | digests,
    size=numbers,
)
listed = st.builds(Listed, version=text, sets=st.lists(digests, max_size=2).map(tuple))
manifests = st.builds(
    Manifest,
    snapshot=st.none() | listed,
    services=st.dictionaries(text, listed, max_size=2),
    calls=st.frozensets(text, max_size=2),
    key_sources=st.lists(
        st.builds(KeySource, origin=st.sampled_from(Origin), at=text), max_size=2
    ).map(tuple),
    keys_use_for_ms=numbers,
    provenance=st.dictionaries(
        st.builds(Subject, text, text, text),
        st.lists(st.builds(Place, text, numbers, numbers), max_size=2).map(tuple),
        max_size=2,
    ),
)
times = st.floats(allow_nan=False, allow_infinity=False)
lines = st.lists(digests, max_size=3).map(tuple).map(defined) | st.builds(Held, times, text, text)
leaves = st.none() | st.booleans() | numbers | st.floats() | text
anything = st.recursive(leaves, lambda below: st.lists(below, max_size=5), max_leaves=9)


@given(st.lists(entry, max_size=4).map(tuple))
def test_a_set_is_read_as_it_was_written(some: tuple[Entry, ...]) -> None:
    assert decode_set(encode_set("t", some)) == some


@given(manifests)
def test_a_build_is_read_as_it_was_written(one: Manifest) -> None:
    data = encode_build(one)
    assert decode_build(data) == one
    assert encode_build(one, encode_lines(one.provenance)) == data
    assert json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode() == data


def test_equal_builds_are_equal_bytes() -> None:
    places = {Subject("t", "a"): (Place("f", 1, 1),), Subject("t", "b"): (Place("f", 2, 1),)}
    one = Manifest(
        snapshot=None,
        services={},
        calls=frozenset("abc"),
        key_sources=(),
        keys_use_for_ms=1,
        provenance=places,
    )
    turned = dict(reversed(places.items()))
    assert list(turned) != list(places)
    assert encode_build(one) == encode_build(replace(one, provenance=turned))


@given(st.dictionaries(st.sampled_from(["type", "resources", "snapshot", "services"]), anything))
def test_other_json_is_malformed_and_nothing_worse(held: dict[str, object]) -> None:
    data = json.dumps({"format": FORMAT, "type": "t", **held, "calls": 1}).encode()
    with pytest.raises(MalformedError):
        decode_build(data)
    try:
        found = decode_set(data)
    except MalformedError:
        return
    assert decode_set(encode_set("t", found)) == tuple(e._replace(type_url="t") for e in found)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"[" * 99_999, b'{"format":2}'])
def test_no_json_of_this_format(data: bytes) -> None:
    for read in (decode_build, decode_set):
        with pytest.raises(MalformedError):
            read(data)


def test_a_path_is_no_body() -> None:
    data = json.dumps({"format": FORMAT, "type": "t", "resources": [["n", "v", "../x", 1, []]]})
    with pytest.raises(MalformedError):
        decode_set(data.encode())


@given(st.lists(lines, max_size=4))
def test_lines_are_read_as_they_were_written(some: list[Line]) -> None:
    data = b"".join(map(encode, some))
    assert whole(data) == len(data)
    assert [decode(one) for one in split(data)] == some


@given(st.lists(lines, min_size=1, max_size=3), st.data())
def test_a_torn_line_is_none_and_the_next_counts(some: list[Line], data: st.DataObject) -> None:
    *before, last = some
    written = encode(last)
    torn = written[: data.draw(st.integers(2, len(written) - 2))]
    found = [decode(one) for one in split(b"".join(map(encode, before)) + torn + encode(last))]
    assert found == [*before, None, last]


@given(lines, st.data())
def test_a_bit_that_turned_makes_it_no_line(line: Line, data: st.DataObject) -> None:
    written = bytearray(encode(line).strip(b"\n"))
    written[data.draw(st.integers(0, len(written) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert decode(bytes(written)) is None


A, B = (defined((digest(one),)) for one in (b"a", b"b"))


def test_a_line_about_what_cannot_be_read_says_nothing() -> None:
    holdings = Holdings(nodes=9, seconds=9)
    there: list[Line] = [A, Held(1, "n", A.id), B, Held(2, "n", B.id), Held(3, "n", "unknown")]
    for line in there:
        holdings.take(line, lambda name: name in A.sets)
    assert holdings.sets("n", 4) == A.sets


def test_what_no_node_names_is_forgotten() -> None:
    holdings = Holdings(nodes=9, seconds=9)
    before: list[Line] = [A, B, Held(1, "n", A.id), Held(5, "m", B.id)]
    for line in before:
        holdings.take(line, lambda _: True)
    assert holdings.named() == {*A.sets, *B.sets}
    holdings.forget(10.5)
    assert list(holdings.lines()) == [B, Held(5, "m", B.id)]
    assert holdings.named() == {*B.sets}
    assert not holdings.knows(A.id)
    assert isinstance(A, Defined)
