"""The reader: what it takes, what it refuses, and that everything is said in one run."""

import pytest

from language.compose import Limits
from language.nodes import ListNode, MapNode, Scalar
from language.places import Place
from language.reader import Document, read


def reading(text: str) -> Document:
    return read("gateway.yaml", text.encode())


def said(text: str) -> list[str]:
    """Each mistake as `line:column message`."""
    return [f"{m.place.line}:{m.place.column} {m.message}" for m in reading(text).mistakes]


def test_a_document_is_a_tree_of_texts_with_places() -> None:
    document = reading("hosts: [a.example.com]\nroutes:\n  - path: '/v1'\n")
    assert document.mistakes == ()
    assert document.complete
    assert document.root == MapNode(
        (
            (
                Scalar("hosts", 1, 1, quoted=False),
                ListNode((Scalar("a.example.com", 1, 9, quoted=False),), 1, 8),
            ),
            (
                Scalar("routes", 2, 1, quoted=False),
                ListNode(
                    (
                        MapNode(
                            (
                                (
                                    Scalar("path", 3, 5, quoted=False),
                                    Scalar("/v1", 3, 11, quoted=True),
                                ),
                            ),
                            3,
                            5,
                        ),
                    ),
                    3,
                    3,
                ),
            ),
        ),
        1,
        1,
    )


@pytest.mark.parametrize(
    "word",
    ["no", "on", "22:22", "0777", "1.10", "2024-01-01", "=", "1e3", "0x1F", "true", ".inf", "nUll"],
)
def test_scalars_stay_text(word: str) -> None:
    root = reading(f"key: {word}\n").root
    assert isinstance(root, MapNode)
    assert root.get("key") == Scalar(word, 1, 6, quoted=False)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("'no'", "no"),
        ('"no"', "no"),
        ("|-\n  no", "no"),
        (">-\n  a\n  b", "a b"),
        ("'null'", "null"),
    ],
)
def test_quotes_and_block_texts_are_quoted(written: str, text: str) -> None:
    root = reading(f"key: {written}\n").root
    assert isinstance(root, MapNode)
    assert root.get("key") == Scalar(text, 1, 6, quoted=True)


def test_a_place_is_found_by_its_path() -> None:
    document = reading("routes:\n  - path: /a\n  - path: /b\n")
    assert document.place(("routes", 1, "path")) == Place("gateway.yaml", 3, 11)
    assert document.place(("routes", 1, "nowhere")) == Place("gateway.yaml", 3, 5)
    assert reading("# nothing").place(("routes",)) == Place("gateway.yaml", 1, 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nkey:\n", "2:1"),
        ("key:\n  # child: 1\na: 1\n", "1:1"),
        ("key: ~\n", "1:6"),
        ("key: null\n", "1:6"),
        ("key: Null\n", "1:6"),
        ("key: NULL\n", "1:6"),
        ('key: ""\n', "1:6"),
        ("key: ''\n", "1:6"),
        ("key: []\n", "1:6"),
        ("key: {}\n", "1:6"),
        ("key: |\na: 1\n", "1:6"),
        ("{key: , a: 1}\n", "1:2"),
        ("{key, a: 1}\n", "1:2"),
        ("? key\n", "1:3"),
    ],
)
def test_an_empty_value_is_refused_at_its_line(text: str, place: str) -> None:
    assert said(text) == [f"{place} the value of 'key' is empty"]
    assert "write 'none'" in reading(text).mistakes[0].hint


def test_an_empty_item_is_refused_at_its_dash() -> None:
    assert said("a:\n  -\n  - b\n  - ~\n  - []\n") == [
        "2:3 the list item is empty",
        "4:5 the list item is empty",
        "5:5 the list item is empty",
    ]


@pytest.mark.parametrize("text", ["", "---\n", "~\n", "{}", "[]", "''", "\n\n"])
def test_an_empty_document_is_refused(text: str) -> None:
    assert said(text) == ["1:1 the file is empty"]


def test_a_document_of_comments_is_refused() -> None:
    assert said("# a: 1\n# b: 2\n") == ["1:1 the file holds nothing but comments"]


def test_what_is_empty_in_the_tree_has_had_its_mistake() -> None:
    root = reading("a: ~\nb: *x\nc: {? [d] : e}\n").root
    assert isinstance(root, MapNode)
    assert root.get("a") == Scalar("", 1, 4, quoted=False)
    assert root.get("b") == Scalar("", 2, 4, quoted=False)
    assert root.get("c") == MapNode((), 3, 4)


def test_a_duplicate_key_names_both_places() -> None:
    document = reading("a: 1\nb: 2\n'a': {c: 1, c: 2}\n")
    first, second = document.mistakes
    assert (first.message, first.place.line, first.width) == ("duplicate key 'a'", 3, 3)
    assert first.also == (Place("gateway.yaml", 1, 1),)
    assert (second.message, second.place.column) == ("duplicate key 'c'", 13)
    assert isinstance(document.root, MapNode)
    assert [key.text for key, _ in document.root.entries] == ["a", "b"]
    assert document.root.get("a") == Scalar("1", 1, 4, quoted=False)


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("a: &x 1", ["1:4 YAML anchors are not allowed"]),
        ("&x a: 1", ["1:1 YAML anchors are not allowed"]),
        ("a: &x\n  b: 1", ["1:4 YAML anchors are not allowed"]),
        ("a: &x", ["1:4 YAML anchors are not allowed"]),
        ("a: *x", ["1:4 a value that starts with '*' is a YAML alias"]),
        ("*x : 1", ["1:1 a value that starts with '*' is a YAML alias"]),
        ("a: !!str 1", ["1:4 YAML tags are not allowed"]),
        ("a: !env [1]", ["1:4 YAML tags are not allowed"]),
        ("a: !", ["1:4 YAML tags are not allowed"]),
        (
            "a: !t &x 1",
            ["1:4 YAML tags are not allowed", "1:7 YAML anchors are not allowed"],
        ),
        ("<<: {a: 1}", ["1:1 YAML merge keys are not allowed"]),
        ("a: 1\n---\nb: 1", ["2:1 a second YAML document begins here"]),
        ("%YAML 1.1\n---\na: 1", ["1:1 YAML directives are not allowed"]),
        ("%TAG ! tag:x,2000:\n---\na: 1", ["1:1 YAML directives are not allowed"]),
        ("[a]: 1", ["1:1 a list cannot be a key"]),
        ("? {a: ~}\n: 1", ["1:3 a map cannot be a key"]),
        ("a: {{ name }}", ["1:5 templates are not read in this file"]),
        ("~: 1", ["1:1 a key cannot be ~"]),
        ('"": 1', ["1:1 the key is empty"]),
        ("{: 1}", ["1:2 a key is missing before ':'"]),
        ("timeout:3s", ["1:8 a space is missing after ':'"]),
    ],
)
def test_what_can_be_parsed_and_is_refused(text: str, mistakes: list[str]) -> None:
    assert said(text) == mistakes


def test_a_quoted_merge_sign_or_null_is_a_text() -> None:
    assert said('"<<": "~"\n"null": a') == []
    assert said("a: <<") == []


def test_everything_is_said_in_one_run_and_in_file_order() -> None:
    assert said("a: &x 1\na: 2\nb:\n  c: ~\n  d: []\ne:\tx\nf: \x07\ng: 'open\n") == [
        "1:4 YAML anchors are not allowed",
        "2:1 duplicate key 'a'",
        "4:6 the value of 'c' is empty",
        "5:6 the value of 'd' is empty",
        "6:3 a tab stands where a space should be",
        "7:4 the invisible character U+0007 is not allowed",
        "8:4 this quote is never closed",
    ]


def test_a_syntax_error_keeps_what_stands_before_it() -> None:
    document = reading("a: 1\nb:\n  - c\n  - d: [e\nf: 1\n")
    assert not document.complete
    assert document.place(("b", 1, "d", 0)) == Place("gateway.yaml", 4, 9)


def test_a_second_document_is_not_read() -> None:
    document = reading("a: 1\n---\nb: ~\n")
    assert not document.complete
    assert document.root == MapNode(
        ((Scalar("a", 1, 1, quoted=False), Scalar("1", 1, 4, quoted=False)),), 1, 1
    )


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        (b"a: 1\nb: caf\xe9\n", "2:7", "byte 0xE9 is not UTF-8"),
        (b"a: \xed\xa0\x80\n", "1:4", "byte 0xED is not UTF-8"),
        (b"\xff\xfea\x00", "1:1", "the file is UTF-16"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "1:1", "the file is UTF-32"),
        (b"a: b\x00c\n", "1:5", "the invisible character U+0000 is not allowed"),
        ("é: x\x1b[31m".encode(), "1:5", "the invisible character U+001B is not allowed"),
        ("a: x\u2028b".encode(), "1:5", "the invisible character U+2028 is not allowed"),
        ("a: x\u0085b".encode(), "1:5", "the invisible character U+0085 is not allowed"),
        ("a: \ufeffb".encode(), "1:4", "a byte order mark stands inside the file"),
    ],
)
def test_bytes_that_are_no_text_are_placed(data: bytes, place: str, message: str) -> None:
    (mistake,) = read("gateway.yaml", data).mistakes
    assert f"{mistake.place.line}:{mistake.place.column}" == place
    assert mistake.message == message


def test_a_byte_order_mark_at_the_start_is_no_column() -> None:
    document = read("gateway.yaml", b"\xef\xbb\xbfa: 1\n")
    assert document.mistakes == ()
    assert document.place(()) == Place("gateway.yaml", 1, 1)
    assert document.text == "a: 1\n"


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_end_as_editors_end_them(line_break: str) -> None:
    assert said(line_break.join(["a: 1", "b: 2", "c:"])) == ["3:1 the value of 'c' is empty"]


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("a:\n\tb: 1\n", ["2:1 a tab is used for indentation"]),
        ("a: [\n\tb]\n", ["2:1 a tab is used for indentation"]),
        ("a:\tb\n", ["1:3 a tab stands where a space should be"]),
        ("a: &x\tb\n", ["1:4 YAML anchors are not allowed"]),
        ("a: b\tc\n", ["1:5 a tab stands where a space should be"]),
        ("\u00a0a: b\n", ["1:1 the blank U+00A0 is used for indentation"]),
        ("a: b\u200b\n", ["1:5 the blank U+200B stands where a space should be"]),
        ("a: 'b\tc' #\td\n#\te\nb: |\n  x\ty\nc: \"\u00a0\"\t\n", []),
    ],
)
def test_blanks_other_than_spaces(text: str, mistakes: list[str]) -> None:
    assert said(text) == mistakes


def test_depth_is_limited() -> None:
    assert said("[" * 64 + "a" + "]" * 64) == []
    (mistake,) = reading("[" * 65 + "a" + "]" * 65).mistakes
    assert mistake.message == "this is nested more than 64 levels deep"
    assert mistake.place.column >= 65
    assert not reading("[" * 100_000).complete


def test_size_is_limited_before_anything_is_read() -> None:
    limits = Limits(size=6)
    assert read("f", b"a: 123", limits=limits).mistakes == ()
    document = read("f", b"a: 1234", limits=limits)
    assert [m.message for m in document.mistakes] == ["the file has 7 bytes; 6 are allowed"]
    assert document.root is None
    assert Limits() == Limits(size=8 * 1024 * 1024, depth=64, nodes=2_000_000, mistakes=1_000)


def test_the_number_of_values_is_limited() -> None:
    limits = Limits(nodes=5)
    assert read("f", b"a: [1, 2]", limits=limits).mistakes == ()
    document = read("f", b"a: [1, 2, 3]", limits=limits)
    assert [m.message for m in document.mistakes] == ["more than 5 values"]
    assert not document.complete


@pytest.mark.parametrize("line", [b"- ~\n", b"- \x07\n", b"- a\tb\n"])
def test_the_number_of_mistakes_is_limited(line: bytes) -> None:
    document = read("f", line * 9, limits=Limits(mistakes=3))
    assert [m.place.line for m in document.mistakes] == [1, 2, 3, 3]
    assert document.mistakes[-1].message == "3 mistakes: the rest is not looked for"


def test_a_huge_key_does_not_make_a_huge_message() -> None:
    name = "k" * 900
    (mistake,) = reading(f"{name}: 1\n{name}: 2\n").mistakes
    assert len(mistake.message) < 100
