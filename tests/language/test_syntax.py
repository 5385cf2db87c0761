"""The words for what is not YAML: what to mend, at the place where it went wrong."""
# ruff: noqa: E501 # a mistake a line, however long: they are read as a table

import pytest

from language.reader import read

MISSING_SPACE = "a space is missing after ':'"
BRACES = "'{…}' inside a value must be quoted here"
COLON = "a value that holds ': ' is read as a map"


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("a: 1\nb:2\nc: 3", "2:2", MISSING_SPACE, "write b: 2"),
        ("{rate:100/s}", "1:2", "the value of 'rate:100/s' is empty", f"{MISSING_SPACE}: write rate: 100/s"),
        ("a: 'x", "1:4", "this quote is never closed", "close it with '"),
        ('a: "x\nb: 1\n', "1:4", "this quote is never closed", 'close it with "'),
        ("a: [1, 2\nb: 3", "1:4", "this '[' is never closed", "write ']' where it ends"),
        ("a: {b: 1\nc: 2\n", "1:4", "this '{' is never closed", "write '}' where it ends"),
        ("a: [1, 2", "1:4", "this '[' is never closed", "write ']' where it ends"),
        ("a: [1 2}", "1:8", "'[' is closed by '}'", "write ']'"),
        ("a: [b]]", "1:7", "']' closes nothing", "remove it, or quote the whole value"),
        ("a: }", "1:4", "'}' closes nothing", "remove it, or quote the whole value"),
        ("a: [b, , c]", "1:8", "a value is missing before ','", "remove the ','"),
        ("a: 1\n  b: 2", "2:3", "this line is indented deeper than the one it follows, which has its value already", "align it with the keys above"),
        ("a:\n  b: 1\n c: 2", "3:2", "this line is aligned with no line above", "the map it may belong to begins in column 1"),
        ("  a: 1\nb: 2", "2:1", "this line does not belong to what stands above", "align it with the first key of the file"),
        ("a: 1\n...\nb: 1", "3:1", "the '...' above ends the document", "remove the '...'"),
        ("a: - b", "1:4", "a list cannot begin here", "write '- …' on its own line, or [a, b]"),
        ("a: [- b]", "1:5", "a '-' has no place inside [ ] or { }", "separate the items by commas"),
        ("a: 1\n- b", "2:1", "a list item stands where a key is expected", "indent it under the key it belongs to"),
        ("- a\nb: 1", "2:1", "a key stands between the items of a list", "write '- ' before it, or align it with what it belongs to"),
        ("a: 1\nword\n", "2:1", "this is no key: a ':' is missing", "write 'key: value', or indent it under the line above"),
        ("a: 1\n: b", "2:1", "a key is missing before ':'", ""),
        ('a: "\\d"', "1:5", "'\\d' is not an escape that YAML knows in double quotes", "write '\\\\' for a backslash, or use single quotes"),
        ('a: "\\ud800"', "1:7", "this is not a character's code", "write four digits after '\\u'"),
        ("a: 'it's'", "1:8", "there is text after the closing quote", "quote the value as a whole; write '' for a quote in it"),
        ("k: |\n a\n\tb", "3:1", "a tab is used for indentation", "use spaces"),
        # Quoting: values that YAML does not take for text.
        ("{path: /old/{rest=**}, code: 308}", "1:8", BRACES, 'quote it: "/old/{rest=**}"'),
        ("- {a: ${X}, b: c}", "1:7", BRACES, 'quote it: "${X}"'),
        ("[sha256:${X}]", "1:2", BRACES, 'quote it: "sha256:${X}"'),
        ("a: [\n  b,\n  x${X}y]", "3:3", BRACES, 'quote it: "x${X}y"'),
        ("a: {rest}\n", "1:5", "the value of 'rest' is empty", 'quote it: "{rest}"'),
        ("a: {rest}/b\n", "1:4", "there is text after '}'", 'quote it: "{rest}/b"'),
        ("hosts: [*.ex.com, b]", "1:9", "a value cannot start with '*'", 'quote it: "*.ex.com"'),
        ("hosts: [\n  *.a.com,\n  b]", "2:3", "a value cannot start with '*'", 'quote it: "*.a.com"'),
        ("- *.ex.com # all", "1:3", "a value cannot start with '*'", 'quote it: "*.ex.com"'),
        ("path: **", "1:7", "a value cannot start with '*'", 'quote it: "**"'),
        ("a: *foo", "1:4", "a value that starts with '*' is a YAML alias", 'write the value itself; if it is a text, quote it: "*foo"'),
        ("[::1/128, 10.0.0.0/8]", "1:2", "a value cannot start with ':' here", 'quote it: "::1/128"'),
        ("a: @x y", "1:4", "a value cannot start with '@'", 'quote it: "@x y"'),
        ("a: `x`", "1:4", "a value cannot start with '`'", 'quote it: "`x`"'),
        ("[%x, y]", "1:2", "a value cannot start with '%'", 'quote it: "%x"'),
        ("%x: 1", "1:1", "a line cannot start with '%'", 'quote it: "%x: 1"'),
        ("a: & b", "1:4", "a value cannot start with '&'", 'quote it: "& b"'),
        ("a: !e!x b", "1:4", "a value cannot start with '!'", 'quote it: "!e!x b"'),
        ("a: >=3", "1:4", "a value cannot start with '>' unless its text begins on the next line", 'quote it: ">=3"'),
        ("a: ? b", "1:4", "a value cannot start with '?'", 'quote it: "? b"'),
        ("a: b: c", "1:4", COLON, 'quote it: "b: c"'),
        ("a: x [y], b: c", "1:4", COLON, 'quote it: "x [y], b: c"'),
        ("a: {b: c: d}", "1:8", COLON, 'quote it: "c: d"'),
        ('a: \'"b" c\': d', "1:4", COLON, "quote it: '''\"b\" c'': d'"),
    ],
)  # fmt: skip
def test_the_one_mistake(text: str, place: str, message: str, hint: str) -> None:
    (mistake,) = read("f.yaml", text.encode()).mistakes
    assert f"{mistake.place.line}:{mistake.place.column}" == place
    assert (mistake.message, mistake.hint) == (message, hint)


@pytest.mark.parametrize(
    "value", ["/old/{rest=**}", "${X}", "::1", "*.ex.com", "@x", "%x", '*"', "*\\d"]
)
def test_the_quoted_form_means_the_value(value: str) -> None:
    (mistake,) = read("f.yaml", f"a: [{value}]".encode()).mistakes
    _, _, shown = mistake.hint.partition("quote it: ")
    document = read("f.yaml", f"a: [{shown}]".encode())
    assert document.mistakes == ()
    assert f"text={value!r}" in repr(document.root)


def test_the_caret_covers_the_value_to_quote() -> None:
    (mistake,) = read("f.yaml", b"{path: /old/{rest=**}, code: 308}").mistakes
    assert mistake.width == len("/old/{rest=**}")
