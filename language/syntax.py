"""What YAML's parser could not read, in the words of someone who writes a gateway file.

The parser says what it expected, at the place where it gave up; the reader wants to know what to
mend, at the place where it went wrong. One function for each family of the parser's complaints;
the rest keep the parser's words. The complaints are libyaml's (scanner.c and parser.c of 0.2).
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import yaml

from language.mistakes import Mistake
from language.quoting import quote_it, value_at
from language.source import Source


class _Fault(NamedTuple):
    """Where the parser gave up, where what it was reading began, and the text at both."""

    source: Source
    problem: str
    context: str
    line: int
    column: int
    began_line: int
    began_column: int
    flow: bool

    @property
    def char(self) -> str:
        return self.source.rest(self.line, self.column)[:1]

    @property
    def before(self) -> str:
        """The line up to the fault, as far as it matters."""
        return self.source.line(self.line)[: self.column - 1][-200:]

    @property
    def leads(self) -> bool:
        """Whether nothing but indentation stands before it on its line."""
        return not self.before.strip()

    def here(self, message: str, hint: str = "", *, width: int = 1) -> Mistake:
        return self._at(self.line, self.column, message, hint, width)

    def where_it_began(self, message: str, hint: str = "", *, width: int = 1) -> Mistake:
        return self._at(self.began_line, self.began_column, message, hint, width)

    def quote(self, message: str, line: int, column: int) -> Mistake:
        """Say what is wrong with the value around a place, and show it quoted."""
        start, text = value_at(self.source.line(line), column, flow=self.flow)
        return self._at(line, start, message, quote_it(text), len(text))

    def _at(self, line: int, column: int, message: str, hint: str, width: int) -> Mistake:
        place = self.source.place(line, column)
        return Mistake(place=place, message=message, hint=hint, width=max(1, width))


def explain(error: Exception, source: Source, reached: tuple[int, int], *, flow: bool) -> Mistake:
    """One mistake for whatever the parser raised; `reached` is where it stood, if it won't say."""
    problem, context = str(error), ""
    line, column = reached
    began = reached
    if isinstance(error, yaml.MarkedYAMLError):
        problem, context = error.problem or problem, error.context or ""
        if error.problem_mark is not None:
            line, column = error.problem_mark.line + 1, error.problem_mark.column + 1
        began = (line, column)
        if error.context_mark is not None:
            began = (error.context_mark.line + 1, error.context_mark.column + 1)
    fault = _Fault(source, problem, context, line, column, *began, flow)
    for start, families in _FAMILIES:
        text = context if start.startswith("while") else problem
        if text.startswith(start):
            return families(fault)
    return fault.here(f"this is not YAML: {problem or type(error).__name__}"[:200])


def _tab(fault: _Fault) -> Mistake:
    return fault.here("a tab is used for indentation", "use spaces")


def _no_token(fault: _Fault) -> Mistake:
    if fault.char == "\t":
        return _tab(fault)
    return fault.quote(f"a value cannot start with '{fault.char}'", fault.line, fault.column)


def _alias_or_anchor(fault: _Fault) -> Mistake:
    sign = fault.source.rest(fault.began_line, fault.began_column)[:1]
    return fault.quote(f"a value cannot start with '{sign}'", fault.began_line, fault.began_column)


def _tag(fault: _Fault) -> Mistake:
    return fault.quote("a value cannot start with '!'", fault.began_line, fault.began_column)


def _directive(fault: _Fault) -> Mistake:
    rest = fault.source.rest(fault.began_line, fault.began_column)
    if rest.startswith(("%YAML", "%TAG")):
        return fault.where_it_began("YAML directives are not allowed", "remove this line")
    return fault.quote("a line cannot start with '%'", fault.began_line, fault.began_column)


def _block_scalar(fault: _Fault) -> Mistake:
    if "tab" in fault.problem:
        return _tab(fault)
    sign = fault.source.rest(fault.began_line, fault.began_column)[:1]
    if "comment or line break" in fault.problem:
        message = f"a value cannot start with '{sign}' unless its text begins on the next line"
        return fault.quote(message, fault.began_line, fault.began_column)
    return fault.here(f"the text after '{sign}' is not indented as it says")


def _plain_scalar(fault: _Fault) -> Mistake:
    if "unexpected ':'" in fault.problem:
        return fault.quote("a value cannot hold this ':' here", fault.line, fault.column)
    return _tab(fault) if "tab" in fault.problem else fault.here(fault.problem)


def _quoted_scalar(fault: _Fault) -> Mistake:
    sign = fault.source.rest(fault.began_line, fault.began_column)[:1]
    if "escape" in fault.problem or "hex" in fault.problem:
        escape = fault.source.rest(fault.line, fault.column)[:2]
        if not escape.startswith("\\"):
            return fault.here("this is not a character's code", "write four digits after '\\u'")
        message = f"'{escape}' is not an escape that YAML knows in double quotes"
        return fault.here(message, "write '\\\\' for a backslash, or use single quotes", width=2)
    return fault.where_it_began("this quote is never closed", f"close it with {sign}")


def _simple_key(fault: _Fault) -> Mistake:
    rest = fault.source.rest(fault.began_line, fault.began_column)
    missing = re.match(r"([A-Za-z][\w-]*):(?=[^\s:])", rest)
    if missing is not None:
        value = rest[missing.end() :].strip()[:60]
        return fault._replace(began_column=fault.began_column + missing.end() - 1).where_it_began(
            "a space is missing after ':'", f"write {missing[1]}: {value}"
        )
    text = rest.strip()
    return fault.where_it_began(
        "this is no key: a ':' is missing",
        "write 'key: value', or indent it under the line above",
        width=min(len(text), 60),
    )


def _second_colon(fault: _Fault) -> Mistake:
    start, _ = value_at(fault.source.line(fault.line), fault.column, flow=fault.flow)
    before = fault.source.line(fault.line)[: start - 1][-200:]
    if before.rstrip().endswith(":") or fault.flow:
        message = "a value that holds ': ' is read as a map"
        return fault.quote(message, fault.line, fault.column)
    key = fault.before.strip().removeprefix("- ")
    first = len(fault.before) - len(fault.before.lstrip()) + 1
    return fault._replace(column=first + max(0, fault.column - 1 - len(fault.before))).here(
        "this line is indented deeper than the one it follows, which has its value already",
        "align it with the keys above",
        width=len(key),
    )


def _list_on_key_line(fault: _Fault) -> Mistake:
    if fault.flow:
        return fault.here("a '-' has no place inside [ ] or { }", "separate the items by commas")
    return fault.here("a list cannot begin here", "write '- …' on its own line, or [a, b]")


def _no_content(fault: _Fault) -> Mistake:
    char = fault.char
    if char == ":" and fault.source.rest(fault.line, fault.column)[1:2].strip():
        return fault.quote("a value cannot start with ':' here", fault.line, fault.column)
    if char == ":":
        return fault.here("a key is missing before ':'")
    if char == "-":
        return _list_on_key_line(fault)
    if char == ",":
        return fault.here("a value is missing before ','", "remove the ','")
    if char and char in "]}":
        return fault.here(f"'{char}' closes nothing", "remove it, or quote the whole value")
    return fault.here("a value is missing here")


def _flow_collection(fault: _Fault) -> Mistake:
    opening = fault.source.rest(fault.began_line, fault.began_column)[:1]
    closing = "]" if fault.context.endswith("sequence") else "}"
    char = fault.char
    same_line = fault.line == fault.began_line
    if char in ("{", "[") and fault.before[-1:] not in ("", " ", "\t", ",", '"', "'"):
        sign = "'{…}'" if char == "{" else "'[…]'"
        return fault.quote(f"{sign} inside a value must be quoted here", fault.line, fault.column)
    if char and char in "]}" and same_line:
        return fault.here(f"'{opening}' is closed by '{char}'", f"write '{closing}'")
    if not same_line and (char == ":" or not fault.source.rest(fault.line, fault.column)):
        hint = f"write '{closing}' where it ends"
        return fault.where_it_began(f"this '{opening}' is never closed", hint)
    if char == ":":
        message = "a value that holds ': ' is read as a map"
        return fault.quote(message, fault.line, fault.column)
    if fault.before.rstrip()[-1:] in ('"', "'"):
        return _after_value(fault)
    return fault.here(f"a ',' or '{closing}' is missing here")


def _after_value(fault: _Fault) -> Mistake:
    """Explain text after a value that had its end: behind a quote, a bracket, an anchor."""
    last = fault.before.rstrip()[-1:]
    char = fault.char
    if last in ('"', "'"):
        escaped = "''" if last == "'" else '\\"'
        hint = f"quote the value as a whole; write {escaped} for a quote in it"
        return fault.here("there is text after the closing quote", hint)
    if char and char in "]}":
        return fault.here(f"'{char}' closes nothing", "remove it, or quote the whole value")
    if last and last in "]}":
        brackets = re.search(r"\{[^{}]*\}$|\[[^\[\]]*\]$", fault.before.rstrip())
        start = brackets.start() + 1 if brackets else len(fault.before)
        start += fault.column - 1 - len(fault.before)
        return fault.quote(f"there is text after '{last}'", fault.line, start)
    return fault.here("a value ends before this", "quote the whole value")


def _block_mapping(fault: _Fault) -> Mistake:
    if not fault.leads and fault.before.strip(" -"):
        return _after_value(fault)
    if fault.char == ":":
        return fault.here("a key is missing before ':'")
    if re.match(r"-(\s|$)", fault.source.rest(fault.line, fault.column)):
        return fault.here(
            "a list item stands where a key is expected", "indent it under the key it belongs to"
        )
    return fault.here(
        "this line is aligned with no line above",
        f"the map it may belong to begins in column {fault.began_column}",
    )


def _block_list(fault: _Fault) -> Mistake:
    if not fault.leads:
        return _after_value(fault)
    return fault.here(
        "a key stands between the items of a list",
        "write '- ' before it, or align it with what it belongs to",
    )


def _after_document(fault: _Fault) -> Mistake:
    if not fault.leads:
        return _after_value(fault)
    above = [line for line in fault.source.lines[: fault.line - 1][-50:] if line.strip()]
    if above and above[-1].startswith("..."):
        return fault.here("the '...' above ends the document", "remove the '...'")
    return fault.here(
        "this line does not belong to what stands above", "align it with the first key of the file"
    )


def _question_mark(fault: _Fault) -> Mistake:
    return fault.quote("a value cannot start with '?'", fault.line, fault.column)


def _too_deep(fault: _Fault) -> Mistake:
    # The parser looks ahead, and has a limit of its own that lies far above the language's.
    return fault.here("this is nested far too deep", "write it flatter")


# What the parser's problem begins with, or, for those that begin with "while", its context.
_FAMILIES: tuple[tuple[str, Callable[[_Fault], Mistake]], ...] = (
    ("found a tab character", _tab),
    ("found character that cannot start any token", _no_token),
    ("found undefined tag handle", _tag),
    ("exceeded maximum nesting depth", _too_deep),
    ("found duplicate", _directive),
    ("found incompatible YAML document", _directive),
    ("while scanning an alias", _alias_or_anchor),
    ("while scanning an anchor", _alias_or_anchor),
    ("while scanning a tag", _tag),
    ("while parsing a tag", _tag),
    ("while scanning a directive", _directive),
    ("while scanning a %", _directive),
    ("while parsing a %", _directive),
    ("while scanning a block scalar", _block_scalar),
    ("while scanning a plain scalar", _plain_scalar),
    ("while scanning a quoted scalar", _quoted_scalar),
    ("while parsing a quoted scalar", _quoted_scalar),
    ("while scanning a simple key", _simple_key),
    ("mapping values are not allowed", _second_colon),
    ("mapping keys are not allowed", _question_mark),
    ("block sequence entries are not allowed", _list_on_key_line),
    ("did not find expected node content", _no_content),
    ("while parsing a flow", _flow_collection),
    ("while parsing a block mapping", _block_mapping),
    ("while parsing a block collection", _block_list),
    ("did not find expected <document start>", _after_document),
)
