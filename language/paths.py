"""Path patterns (`/a`, `/a/**`, `/a/{x}/b`, `/a/{rest=**}`) and paths that fill their variables in.

A pattern is compared on the normalised path without the query, case-sensitively.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(=\*\*)?\}")
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LEGAL = _UNRESERVED | frozenset("!$&'()+,;=:@")
"""What a segment may hold as it is (RFC 3986 section 3.3, without `*`, which is ours)."""


_PLAIN = re.compile("[A-Za-z0-9._~!$&'()+,;=:@-]*")

LONGEST = 8192
"""The most characters of a path: requests with longer ones are not to be relied on (RFC 9112 3)."""

STEPS = 100
"""The largest RE2 program that Envoy takes (`re2.max_program_size.error_level`)."""

_AROUND = 4
_VARIABLE_STEPS = 3
_REST_STEPS = 5
_GROUP_STEPS = 2
"""What RE2 compiles the parts of our expressions to; a literal is one step for each character."""

FILLED = 9
"""How many groups of an expression RE2 can fill in: a substitution knows \\1 to \\9."""


class Kind(IntEnum):
    """What a segment is, the more specific the smaller.

    The end of a pattern stands before `**`: `/a/{x}` is tried before `/a/{x}/**`, which matches
    all that the first does.
    """

    LITERAL = 0
    VARIABLE = 1
    END = 2
    REST = 3


class Segment(NamedTuple):
    """A segment: a literal's text, a variable's name, or the name of the rest (may be empty)."""

    kind: Kind
    text: str


class MalformedPathError(ValueError):
    """A path that is none; `offset` counts characters into the text."""

    def __init__(self, message: str, hint: str = "", offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = offset


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPattern:
    """A parsed path; `segments` are those after the first slash, a trailing slash one empty."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def exact(self) -> bool:
        """Whether it matches one path alone."""
        return all(s.kind is Kind.LITERAL for s in self.segments)

    @property
    def rest(self) -> Segment | None:
        """The last segment where that is `**` or `{x=**}`."""
        last = self.segments[-1]
        return last if last.kind is Kind.REST else None

    @property
    def fixed(self) -> tuple[Segment, ...]:
        """The segments before the rest."""
        return self.segments[:-1] if self.rest else self.segments

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its variables, in order."""
        return tuple(s.text for s in self.segments if s.kind is not Kind.LITERAL and s.text)

    @property
    def shape(self) -> tuple[Segment, ...]:
        """The pattern without its variables' names: equal shapes match the same paths."""
        return tuple(s if s.kind is Kind.LITERAL else Segment(s.kind, "") for s in self.segments)

    @property
    def rank(self) -> tuple[bool, tuple[Segment, ...]]:
        """Sort key: exact first, then segment by segment literal, variable, end, rest."""
        return (not self.exact, (*self.shape, Segment(Kind.END, "")))

    @property
    def plain(self) -> bool:
        """Whether its literals compare as text: an escape's hex digits have two cases."""
        return not any("%" in s.text for s in self.segments)

    @property
    def text_alone(self) -> bool:
        """Whether it is compared as text, whole or up to its rest, without an expression."""
        return self.plain and all(s.kind is Kind.LITERAL for s in self.fixed)

    @property
    def steps(self) -> int:
        """How large the program of `regex` is, in RE2's instructions."""
        rest = _REST_STEPS if self.rest else 0
        return _AROUND + sum(1 + _steps(s) for s in self.fixed) + rest

    @property
    def literal(self) -> str:
        """The path that an exact pattern matches, or what stands before a pattern's `/**`."""
        return "".join("/" + s.text for s in self.fixed)

    @property
    def regex(self) -> str:
        """The pattern as an RE2 expression on the whole path."""
        body = "".join(
            "/" + (_literal(s.text) if s.kind is Kind.LITERAL else "[^/]+") for s in self.fixed
        )
        if not self.rest:
            return body
        return body + "(?:/.*)?" if body else "/.*"


def parse_pattern(text: str) -> PathPattern:
    """Parse a path that requests are compared with, or raise MalformedPathError."""
    segments: list[Segment] = []
    last = 0
    for offset, part in _parts(text, "match parameters with 'query'"):
        if segments and segments[-1].kind is Kind.REST:
            hint = "write {name} for one segment in the middle"
            raise MalformedPathError("'**' stands last only", hint, last)
        last = offset
        if part == "**":
            segments.append(Segment(Kind.REST, ""))
        elif variable := _VARIABLE.fullmatch(part):
            name, rest = variable.groups()
            if any(name == s.text for s in segments if s.kind is not Kind.LITERAL):
                hint = "give each a name of its own"
                raise MalformedPathError(f"the variable '{name}' stands twice", hint, offset)
            segments.append(Segment(Kind.REST if rest else Kind.VARIABLE, name))
        else:
            _check_literal(part, offset)
            upper = _ESCAPE.sub(lambda escape: escape[0].upper(), part)
            segments.append(Segment(Kind.LITERAL, upper))
    pattern = PathPattern(text=text, segments=tuple(segments))
    if not pattern.text_alone and pattern.steps > STEPS:
        message = f"this path is too long to compare: {pattern.steps} of Envoy's {STEPS} steps"
        hint = "a character is one step, a variable three: shorten it, or end it in /** earlier"
        raise MalformedPathError(message, hint)
    return pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTemplate:
    """A path to be made: literal text and, at odd positions of `parts`, names of variables.

    The name `**` stands for all that the pattern's `**` matched.
    """

    text: str
    parts: tuple[str, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables that it fills in."""
        return self.parts[1::2]


def parse_template(text: str) -> PathTemplate:
    """Parse the path of a rewrite or a redirect, or raise MalformedPathError."""
    parts = [""]
    for offset, part in _parts(text, "the query stays as it is"):
        parts[-1] += "/"
        if part == "**":
            if offset + len(part) != len(text):
                hint = "write {name}, and name it so in the route's path"
                raise MalformedPathError("'**' stands last only", hint, offset)
            parts += ["**", ""]
            continue
        literals = _VARIABLE.split(part)
        if any(literals[2::3]):
            raise MalformedPathError(
                "a variable is filled in by its name alone", "write {rest}", offset
            )
        _check_literal("".join(literals[0::3]), offset)
        parts[-1] += literals[0]
        for name, _, literal in zip(literals[1::3], literals[2::3], literals[3::3], strict=True):
            parts += [name, literal]
    return PathTemplate(text=text, parts=tuple(parts))


class Substitution(NamedTuple):
    r"""An RE2 expression on the whole path, and the text with `\1` that takes its place."""

    regex: str
    replacement: str


def substitution(pattern: PathPattern, template: PathTemplate) -> Substitution:
    r"""How a path that matched `pattern` becomes the path of `template`.

    Where the rest is the whole last segment of both, it keeps the slash before it, so that `/old`,
    `/old/` and `/old/x` become `/new`, `/new/` and `/new/x`; a bare `/{rest}` never becomes empty.
    """
    rest = pattern.rest
    final = len(template.parts) > 1 and template.parts[-1] == ""
    trails = (
        rest is not None
        and final
        and template.parts[-2] == (rest.text or "**")
        and template.parts[-3].endswith("/")
        and template.parts[:-2] != ("/",)
    )
    body, groups = "", dict[str, int]()
    for segment in pattern.fixed:
        if segment.kind is Kind.VARIABLE:
            groups[segment.text] = len(groups) + 1
            body += "/([^/]+)"
        else:
            body += "/" + _literal(segment.text)
    if rest is not None:
        groups[rest.text or "**"] = len(groups) + 1
        body += "((?:/.*)?)" if trails else "/?(.*)"
    replacement = ""
    for position, part in enumerate(template.parts):
        if position % 2 == 0:
            slash_follows = trails and position == len(template.parts) - 3
            replacement += (part[:-1] if slash_follows else part).replace("\\", "\\\\")
        else:
            replacement += f"\\{groups[part]}"
    return Substitution(f"^{body}$", replacement)


def fillable(pattern: PathPattern) -> tuple[str, ...]:
    """The variables of a pattern that a template can name, `**` for a rest without a name."""
    rest = pattern.rest
    return (*pattern.variables, *(("**",) if rest is not None and not rest.text else ()))


def filling_steps(pattern: PathPattern) -> int:
    """How large the program of `substitution` is at most: its literal start costs nothing."""
    texts = [s.kind is Kind.LITERAL and "%" not in s.text for s in pattern.fixed]
    tail = pattern.fixed[texts.index(False) if False in texts else len(texts) :]
    groups = sum(_GROUP_STEPS for s in tail if s.kind is not Kind.LITERAL)
    rest = _REST_STEPS + _GROUP_STEPS if pattern.rest else 0
    return _AROUND + sum(1 + _steps(s) for s in tail) + groups + rest


def unchanged(pattern: PathPattern, template: PathTemplate) -> bool:
    """Whether each path that matches a pattern is the path that a template makes of it."""
    made = "".join(
        "/" + (s.text if s.kind is Kind.LITERAL else f"{{{s.text}}}" if s.text else "**")
        for s in pattern.segments
    )
    return parse_template(made).parts == template.parts


def _parts(text: str, query_hint: str) -> Iterator[tuple[int, str]]:
    if not text.startswith("/"):
        bare = re.sub("^[A-Za-z]+://[^/]*", "", text).lstrip("./~^= ")
        raise MalformedPathError("a path starts with '/'", f"write /{bare}")
    if len(text) > LONGEST:
        raise MalformedPathError(
            f"{len(text)} characters are too many for a path", f"write at most {LONGEST}"
        )
    for sign, what in (("?", "query"), ("#", "fragment")):
        if sign in text:
            hint = query_hint if sign == "?" else "it never reaches a server"
            raise MalformedPathError(f"a path has no {what}", hint, text.index(sign))
    offset = 1
    parts = text[1:].split("/")
    for number, part in enumerate(parts):
        if part == "" and number < len(parts) - 1:
            raise MalformedPathError("an empty segment never matches", "slashes are merged", offset)
        if part in {".", ".."}:
            raise MalformedPathError(
                f"'{part}' never matches", "paths are normalised before they are compared", offset
            )
        yield offset, part
        offset += len(part) + 1


def _steps(segment: Segment) -> int:
    return len(segment.text) if segment.kind is Kind.LITERAL else _VARIABLE_STEPS


def _literal(text: str) -> str:
    """Escape a literal for RE2; normalising leaves `%c3` and `%C3` apart, and they are one."""
    return _ESCAPE.sub(
        lambda e: "%" + "".join(f"[{d}{d.lower()}]" if d.isalpha() else d for d in e[0][1:]),
        re.escape(text).replace("\\%", "%"),
    )


def _check_literal(part: str, offset: int) -> None:
    if _PLAIN.fullmatch(part):  # as nearly every segment
        return
    if "*" in part:
        hint = "write {name} for one segment, or a last ** for the rest"
        raise MalformedPathError("a wildcard is a whole segment", hint, offset + part.index("*"))
    if re.fullmatch(r"\{[^{}=]+\}", part):
        name = re.sub("[^A-Za-z0-9_]", "_", part[1:-1])
        hint = (
            f"write {{{name}}}" if _VARIABLE.fullmatch(f"{{{name}}}") else "start it with a letter"
        )
        message = "the name of a variable holds letters, digits and '_'"
        raise MalformedPathError(message, hint, offset + 1)
    for sign in "{}":
        if sign in part:
            hint = "write {name}, or {name=**} for the rest"
            raise MalformedPathError(
                "a variable is a whole segment with a name", hint, offset + part.index(sign)
            )
    position = 0
    while position < len(part):
        char = part[position]
        if char == "%":
            _check_escape(part[position : position + 3], offset + position)
            position += 3
        elif char in _LEGAL:
            position += 1
        else:
            escaped = "".join(f"%{b:02X}" for b in char.encode("utf-8", "replace"))
            raise MalformedPathError(
                f"{char!r} cannot stand in a path", f"write {escaped}", offset + position
            )


def _check_escape(escape: str, offset: int) -> None:
    if not _ESCAPE.fullmatch(escape):
        raise MalformedPathError("'%' starts an escape of two hex digits", "write %25", offset)
    char = chr(int(escape[1:], 16))
    if char in _UNRESERVED:
        raise MalformedPathError(
            f"'{escape}' never matches: paths are normalised", f"write {char}", offset
        )
    if char in "/\\":
        raise MalformedPathError(
            f"'{escape}' never matches: escaped slashes are redirected", "write /", offset
        )
