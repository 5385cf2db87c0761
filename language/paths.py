"""Path patterns (`/a`, `/a/**`, `/a/{x}/b`, `/a/{rest=**}`) and paths that fill their variables in.

A pattern is compared on the normalised path without the query, case-sensitively.
"""

from dataclasses import dataclass
from functools import cached_property

from language import expressions
from language.expressions import STEPS
from language.segments import (
    ESCAPE,
    PLAIN,
    VARIABLE,
    Kind,
    MalformedPathError,
    Segment,
    check_literal,
    parts_of,
)

_LITERAL = Kind.LITERAL
"""A name is found five times as fast as a member of an enum; each path asks for it often."""


@dataclass(frozen=True, kw_only=True)
class PathPattern:
    """A parsed path; `segments` are those after the first slash, a trailing slash one empty.

    Of an expression on the whole path the only segment is the expression.
    """

    text: str
    segments: tuple[Segment, ...]

    @property
    def is_regex(self) -> bool:
        """Whether it is an expression on the whole path."""
        return self.segments[0].kind is Kind.REGEX

    @cached_property
    def exact(self) -> bool:
        """Whether it matches one path alone."""
        return all(s.kind is _LITERAL for s in self.segments)

    @cached_property
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
        named = (Kind.VARIABLE, Kind.REST)
        return tuple(s.text for s in self.segments if s.kind in named and s.text)

    @cached_property
    def shape(self) -> tuple[Segment, ...]:
        """The pattern without its variables' names: equal shapes match the same paths."""
        named = (Kind.VARIABLE, Kind.REST)
        if self.exact:
            return self.segments
        return tuple(Segment(s.kind, "") if s.kind in named else s for s in self.segments)

    @cached_property
    def rank(self) -> tuple[bool, tuple[Segment, ...]]:
        """Sort key: exact first, then segment by segment literal, variable, end, rest.

        Expressions come last, and all of them are of one rank: none is more specific.
        """
        if self.is_regex:
            return (True, (Segment(Kind.REGEX, ""),))
        return (not self.exact, (*self.shape, Segment(Kind.END, "")))

    @property
    def plain(self) -> bool:
        """Whether its literals compare as text: an escape's hex digits have two cases."""
        return not any("%" in s.text for s in self.segments)

    @cached_property
    def text_alone(self) -> bool:
        """Whether it is compared as text, whole or up to its rest, without an expression."""
        return self.plain and all(s.kind is _LITERAL for s in self.fixed)

    @property
    def steps(self) -> int:
        """How large the program of `regex` is, in RE2's instructions."""
        return expressions.steps(self.fixed, rest=self.rest is not None)

    @property
    def literal(self) -> str:
        """The path that an exact pattern matches, or what stands before a pattern's `/**`."""
        return "".join("/" + s.text for s in self.fixed)

    @property
    def regex(self) -> str:
        """The pattern as an RE2 expression on the whole path."""
        if self.is_regex:
            return self.segments[0].text
        return expressions.regex(self.fixed, rest=self.rest is not None)


def parse_pattern(text: str) -> PathPattern:
    """Parse a path that requests are compared with, or raise MalformedPathError."""
    segments: list[Segment] = []
    last = 0
    for offset, part in parts_of(text, "match parameters with 'query'"):
        if segments and segments[-1].kind is Kind.REST:
            hint = "write {name} for one segment in the middle"
            raise MalformedPathError("'**' stands last only", hint, last)
        last = offset
        if PLAIN.fullmatch(part):  # as nearly every segment
            segments.append(Segment(_LITERAL, part))
        elif part == "**":
            segments.append(Segment(Kind.REST, ""))
        elif variable := VARIABLE.fullmatch(part):
            name, rest = variable.groups()
            if any(name == s.text for s in segments if s.kind is not Kind.LITERAL):
                hint = "give each a name of its own"
                raise MalformedPathError(f"the variable '{name}' stands twice", hint, offset)
            segments.append(Segment(Kind.REST if rest else Kind.VARIABLE, name))
        else:
            check_literal(part, offset)
            upper = ESCAPE.sub(lambda escape: escape[0].upper(), part)
            segments.append(Segment(_LITERAL, upper))
    pattern = PathPattern(text=text, segments=tuple(segments))
    if not pattern.text_alone and pattern.steps > STEPS:
        message = f"this path is too long to compare: {pattern.steps} of Envoy's {STEPS} steps"
        hint = "a character is one step, a variable three: shorten it, or end it in /** earlier"
        raise MalformedPathError(message, hint)
    return pattern


def regex_pattern(expression: str) -> PathPattern:
    """Give the pattern of an expression that was checked."""
    return PathPattern(text=f"{{regex: {expression}}}", segments=(Segment(Kind.REGEX, expression),))


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
    for offset, part in parts_of(text, "the query stays as it is"):
        parts[-1] += "/"
        if part == "**":
            if offset + len(part) != len(text):
                hint = "write {name}, and name it so in the route's path"
                raise MalformedPathError("'**' stands last only", hint, offset)
            parts += ["**", ""]
            continue
        literals = VARIABLE.split(part)
        if any(literals[2::3]):
            raise MalformedPathError(
                "a variable is filled in by its name alone", "write {rest}", offset
            )
        check_literal("".join(literals[0::3]), offset)
        parts[-1] += literals[0]
        for name, _, literal in zip(literals[1::3], literals[2::3], literals[3::3], strict=True):
            parts += [name, literal]
    return PathTemplate(text=text, parts=tuple(parts))
