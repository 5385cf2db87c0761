"""What strict YAML refuses although it can be parsed, in words that say how to mend it."""

import re
from typing import Any

from language.mistakes import Mistake
from language.nodes import ListNode, Node, Scalar
from language.places import Place
from language.quoting import quote_it, value_at
from language.source import Source

_REMOVE = "write a value, or remove the key; write 'none' to switch an inherited one off"
_MATCH_NOTHING = "write {NAME: VALUE}, or remove the key: it asks for nothing"
_MEANT = {
    "query": "write {present: true} for any value, or {regex: ^$} for ?NAME without one",
    "headers": "write {present: true} for any value, or {regex: ^$} for an empty one",
}
"""What the empty match of a route may have been meant as, by the key that it stands below."""

_BRACES = re.compile(r"\{[^\s,{}\[\]]*\}")
_PROPERTY = re.compile(r"[&!]\S*(?=\s|$)|[&!][^\s,\[\]{}]*")
_SPACE_MISSING = re.compile(r"([A-Za-z][\w-]*):([^\s:].*)", re.DOTALL)
_LONGEST_NAME = 60


def name(text: str) -> str:
    """A user's word within a message, in quotes, never longer than a message should be."""
    return f"'{text}'" if len(text) <= _LONGEST_NAME else f"'{text[:_LONGEST_NAME]}…'"


class Refusals:
    """How each kind of refusal in one file is worded and placed."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def duplicate(self, key: Scalar, first: Scalar) -> Mistake:
        """Refuse a key that its map has already; the first one counts."""
        return self._at(
            key,
            f"duplicate key {name(key.text)}",
            f"it stands on line {first.line} already; keep one of them",
            width=_width(key),
            also=first,
        )

    def bad_key(self, key: Scalar) -> Mistake:
        """Refuse `<<` and keys that are empty or null."""
        if key.text == "<<":
            message, hint = "YAML merge keys are not allowed", "write the keys themselves here"
        elif key.text == "":
            message, hint = "the key is empty", "write a name before ':'"
        else:
            message, hint = f"a key cannot be {key.text}", quote_it(key.text)
        return self._at(key, message, hint, width=_width(key))

    def collection_as_key(self, node: Node) -> Mistake:
        """Refuse a list or map before a colon; `{{ name }}` is what most people meant by it."""
        rest = self.source.rest(node.line, node.column)
        around = self.source.line(node.line)[max(0, node.column - 2) : node.column + 1]
        if "{{" in around:
            column = node.column - 1 if around.startswith("{") and node.column > 1 else node.column
            _, text = value_at(self.source.line(node.line), column, flow=False)
            return self._at(
                node, "templates are not read in this file", f"a text? {quote_it(text)}"
            )
        what = "a list" if isinstance(node, ListNode) else "a map"
        braces = _BRACES.match(rest)
        hint = quote_it(braces[0]) if braces else "write a single word before ':'"
        return self._at(node, f"{what} cannot be a key", hint)

    def empty_value(self, node: Node, key: Scalar, *, flow: bool, matched: str = "") -> Mistake:
        """Refuse nothing, null, `""`, `[]` and `{}` as a key's value.

        `matched` is the key of a route that the value is, or stands below, where that is known.
        """
        message = f"the value of {name(key.text)} is empty"
        hint = _REMOVE
        if matched in _MEANT:
            hint = _MEANT[matched] if key.text != matched else _MATCH_NOTHING
        if _is_written(node):
            return self._at(node, message, hint, width=_width(node))
        hint = self._instead(key, hint, flow=flow)
        return self._at(key, message, hint, width=_width(key))

    def empty_item(self, node: Node) -> Mistake:
        """Refuse the same in a list."""
        message, hint = "the list item is empty", "remove it, or write a value"
        if _is_written(node):
            return self._at(node, message, hint, width=_width(node))
        # The parser's place is behind the dash, and editors trim what is behind a dash.
        return self._at(
            Scalar("-", node.line, max(1, node.column - 1), quoted=False), message, hint
        )

    def empty_document(self) -> Mistake:
        """Refuse a file in which nothing is said: whoever wants no gateway has no file."""
        comments = any(line.lstrip().startswith("#") for line in self.source.lines)
        message = "the file holds nothing but comments" if comments else "the file is empty"
        return Mistake(place=Place(self.source.file, 1, 1), message=message)

    def text_as_document(self, text: Scalar) -> Mistake | None:
        """Refuse a file that is one text because its only colon has no space behind it."""
        missing = _SPACE_MISSING.match(text.text)
        if missing is None or text.quoted:
            return None
        colon = Scalar(":", text.line, text.column + len(missing[1]), quoted=False)
        return self._at(colon, "a space is missing after ':'", _spaced(missing))

    def alias(self, at: Scalar, *, flow: bool) -> Mistake:
        """Refuse `*name`, which was a text more often than an alias."""
        _, text = value_at(self.source.line(at.line), at.column, flow=flow)
        hint = f"write the value itself; if it is a text, {quote_it(text)}"
        return self._at(
            at, "a value that starts with '*' is a YAML alias", hint, width=max(1, len(text))
        )

    def properties(self, line: int, column: int, event: Any, *, flow: bool) -> list[Mistake]:  # noqa: ANN401
        """Refuse an anchor, a tag, or both before one value."""
        mistakes = []
        rest = self.source.rest(line, column)
        offset = 0
        for _ in range((event.anchor is not None) + (event.tag is not None)):
            found = _PROPERTY.search(rest, offset)
            if found is None:
                break
            offset = found.end()
            start = column + found.start()
            at = Scalar("", line, start, quoted=False)
            _, text = value_at(self.source.line(line), start, flow=flow)
            if found[0].startswith("&"):
                message = "YAML anchors are not allowed"
                hint = f"remove it; if it is a text, {quote_it(text)}"
            else:
                message = "YAML tags are not allowed"
                hint = f"remove it: values need no type; if it is a text, {quote_it(text)}"
            mistakes.append(self._at(at, message, hint, width=len(found[0])))
        return mistakes or [
            self._at(Scalar("", line, column, quoted=False), "YAML tags are not allowed", "")
        ]

    def second_document(self, line: int, column: int) -> Mistake:
        """Refuse what follows a `---` within a file."""
        at = Scalar("---", line, column, quoted=False)
        return self._at(
            at,
            "a second YAML document begins here",
            "remove this line, or move what follows to another file",
            width=3,
        )

    def directive(self, line: int, column: int) -> Mistake:
        """Refuse `%YAML` and `%TAG`."""
        at = Scalar("", line, column, quoted=False)
        width = len(self.source.rest(line, column).split(" ")[0])
        return self._at(at, "YAML directives are not allowed", "remove this line", width=width)

    def _at(
        self, node: Node, message: str, hint: str, *, width: int = 1, also: Scalar | None = None
    ) -> Mistake:
        others = () if also is None else (self.source.place(also.line, also.column),)
        return Mistake(
            place=self.source.place(node.line, node.column),
            message=message,
            hint=hint,
            width=max(1, width),
            also=others,
        )

    def _instead(self, key: Scalar, hint: str, *, flow: bool) -> str:
        """How to mend a missing value: inside braces it was often meant as a text."""
        if not flow:
            return hint
        missing = _SPACE_MISSING.fullmatch(key.text)
        if missing and not key.quoted:
            return f"a space is missing after ':': {_spaced(missing)}"
        line = self.source.line(key.line)
        if key.column > 1 and _BRACES.match(line, key.column - 2):
            return quote_it(value_at(line, key.column - 1, flow=False)[1])
        return hint


def _spaced(missing: re.Match[str]) -> str:
    value = missing[2].split("\n")[0]
    return f"write {missing[1]}: {value}" if len(value) <= _LONGEST_NAME else "write one"


def _is_written(node: Node) -> bool:
    """Whether an empty value has characters of its own: `~`, `""`, `[]`."""
    return not isinstance(node, Scalar) or node.quoted or node.text != ""


def _width(node: Node) -> int:
    if isinstance(node, Scalar):
        return len(node.text) + (2 if node.quoted else 0)
    return 2
