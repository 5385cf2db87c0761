"""The fleet as JSON: its golden shape, what strangers put into it, and what is no page."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.seen.fleet import NodeView, TypeView
from controlplane.seen.page import (
    MESSAGE,
    NAME,
    FleetPageError,
    FleetRecord,
    TypeRecord,
    as_json,
    read,
    refuses,
    short_type,
)
from controlplane.snapshot import ORDER
from language.places import Place
from protos import SERVICE_TYPES
from tests.controlplane.seen.fleets import FLEET, LIVE, NEW, NOW, OLD, REFUSAL, REJECTING

ESCAPES = "\x1b]0;owned\x07\x1b[2J\r\n\u202e\u200b\x9b31m\ud800"


def page(*nodes: NodeView) -> FleetRecord:
    return as_json(nodes, NOW)


def written(one: object) -> bytes:
    return json.dumps(one).encode()


def test_the_shape_is_a_promise() -> None:
    shown = as_json(FLEET, NOW)
    assert [n["node"] for n in shown["nodes"]] == ["envoy-1", "envoy-2", "extauthz-1"]
    assert shown["nodes"][1] == {
        "node": "envoy-2",
        "role": "envoy",
        "group": "edge",
        "software": "envoy/1.40.0",
        "delta": True,
        "connectedFor": 180.0,
        "version": NEW,
        "state": "rejected",
        "phase": "add",
        "waiting": 1,
        "queuedBytes": 2048,
        "types": {
            "CDS": {
                "sent": NEW,
                "acked": OLD,
                "nacked": NEW,
                "sentAgo": 12.0,
                "ackedAgo": 170.0,
                "nackedAgo": 11.0,
                "message": REFUSAL,
                "places": ["gateway.yaml:7:3", "gateway.yaml:12:5"],
            }
        },
    }
    assert shown["nodes"][0]["types"]["RDS"] == {
        "sent": NEW,
        "acked": NEW,
        "nacked": "",
        "sentAgo": 12.5,
        "ackedAgo": 11.5,
        "nackedAgo": None,
        "message": "",
        "places": [],
    }
    assert shown["summary"] == {"waiting": 0, "live": 2, "rejected": 1, "late": 0, "gone": 0}
    assert list(shown) == ["nodes", "summary"]


def test_what_is_written_can_be_read() -> None:
    for fleet in (FLEET, ()):
        shown = as_json(fleet, NOW)
        assert read(written(shown)) == shown


def test_types_have_the_short_names_of_the_field() -> None:
    assert [short_type(t) for t in ORDER] == ["CDS", "EDS", "SDS", "LDS", "ECDS", "SRDS", "RDS"]
    own = [short_type(t) for types in SERVICE_TYPES.values() for t in types]
    assert own == ["ConsumerSet", "KeySet", "Pipeline", "KeyRequest", "Fleet", "LimitSet"]


def test_a_clock_that_was_set_back_makes_nothing_younger_than_now() -> None:
    (node,) = as_json((LIVE,), LIVE.since - 60)["nodes"]
    assert node["connectedFor"] == 0
    assert node["types"]["CDS"]["ackedAgo"] == 0


texts = st.text(st.characters(), max_size=40).map(lambda t: t + ESCAPES)


@given(texts, texts)
def test_no_text_of_a_stranger_can_move_a_cursor(text: str, message: str) -> None:
    one = TypeView(type_url=text, sent=text, acked=text, nacked=text, message=message)
    place = Place(text, 1, 1)
    node = replace(LIVE, node=text, role=text, group=text, software=text, version=text)
    (shown,) = page(replace(node, types=(replace(one, places=(place,)),)))["nodes"]
    (name,) = shown["types"]
    found = shown["types"][name]
    said = [shown["node"], shown["role"], shown["group"], shown["software"], shown["version"]]
    said += [name, found["sent"], found["acked"], found["nacked"], found["message"]]
    said += found["places"]
    assert [t for t in said if not t.isprintable()] == []
    assert "\\x1b]0;owned\\x07" in shown["node"]


def test_texts_are_bounded() -> None:
    one = TypeView(type_url=ORDER[0], message="m" * 4_000_000)
    (shown,) = page(replace(LIVE, node="n" * 10_000, types=(one,)))["nodes"]
    assert shown["node"] == "n" * NAME + "…"
    assert shown["types"]["CDS"]["message"] == "m" * MESSAGE + "…"


def test_a_message_is_not_looked_through_to_its_end() -> None:
    """To look for passwords takes the square of the length: here the test would never end."""
    one = TypeView(type_url=ORDER[0], message="@" + "://" * 1_000_000)
    (shown,) = page(replace(LIVE, types=(one,)))["nodes"]
    assert shown["types"]["CDS"]["message"].startswith("@://")


def test_a_refusal_is_one_line_without_secrets() -> None:
    said = "cannot reach\n  https://bob:hunter2@idp\t fg_0123456789abcdef0123"
    (shown,) = page(replace(LIVE, types=(TypeView(type_url=ORDER[0], message=said),)))["nodes"]
    message = shown["types"]["CDS"]["message"]
    assert message.startswith("cannot reach https://•••")
    assert "hunter2" not in message
    assert "0123456789" not in message


def record(**given: object) -> TypeRecord:
    made: TypeRecord = {
        "sent": NEW,
        "acked": "",
        "nacked": "",
        "sentAgo": 9,
        "ackedAgo": None,
        "nackedAgo": None,
        "message": "",
        "places": [],
    }
    made.update(given)  # type: ignore[typeddict-item] # what a test says
    return made


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (record(), False),
        (record(ackedAgo=1), False),
        (record(nackedAgo=2, ackedAgo=1), False),
        (record(nackedAgo=1, ackedAgo=2), True),
        (record(nackedAgo=1), True),
        (record(message="no"), True),
    ],
)
def test_a_refusal_counts_until_a_later_ack(one: TypeRecord, *, expected: bool) -> None:
    assert refuses(one) is expected


def test_keys_of_a_later_version_are_let_be() -> None:
    shown = json.loads(written(page(REJECTING)))
    shown["more"] = [1]
    shown["nodes"][0]["zone"] = "a"
    shown["nodes"][0]["types"]["CDS"]["size"] = 3
    assert read(written(shown))["nodes"][0]["node"] == "envoy-2"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "Invalid JSON"),
        (b"<html>", "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON"),
        (b"[]", "Input should be an object"),
        (b"{}", "nodes: Field required"),
        (b'{"nodes": [{"node": 1}], "summary": {}}', "nodes.0.node: Input should be"),
        (written({"nodes": [], "summary": {"asleep": 1}}), "summary.asleep"),
    ],
)
def test_what_is_no_page_is_told(data: bytes, why: str) -> None:
    with pytest.raises(FleetPageError) as error:
        read(data)
    assert why in error.value.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("state", "asleep"),
        ("connectedFor", "1"),
        ("connectedFor", -1),
        ("connectedFor", float("nan")),
        ("connectedFor", float("inf")),
        ("waiting", 1.5),
        ("types", {"CDS": {}}),
    ],
)
def test_a_wrong_value_is_told_at_its_key(key: str, value: object) -> None:
    shown = json.loads(written(page(LIVE)))
    shown["nodes"][0][key] = value
    with pytest.raises(FleetPageError, match=rf"^nodes\.0\.{key}"):
        read(written(shown))


def test_the_words_about_a_wrong_page_are_safe_to_show() -> None:
    shown = json.loads(written(page(LIVE)))
    shown["nodes"][0]["types"] = {"\x1b[2J" * 500: {}}
    with pytest.raises(FleetPageError) as error:
        read(written(shown))
    assert error.value.message.isprintable()
    assert len(error.value.message) < 3000
