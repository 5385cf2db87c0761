"""How one path becomes another: a pattern's variables filled in to a template by Envoy."""

from typing import NamedTuple

from language.expressions import GROUP_STEPS, literal, steps
from language.paths import PathPattern, PathTemplate
from language.segments import Kind

FILLED = 9
"""How many groups of an expression RE2 can fill in: a substitution knows \\1 to \\9."""


class Substitution(NamedTuple):
    r"""An RE2 expression on the whole path, and the text with `\1` that takes its place."""

    regex: str
    replacement: str


def substitution(pattern: PathPattern, template: PathTemplate) -> Substitution:
    r"""How a path that matched `pattern` becomes the path of `template`.

    Where the rest is the whole last segment of both, it keeps the slash before it, so that `/old`,
    `/old/` and `/old/x` become `/new`, `/new/` and `/new/x`; a bare `/{rest}` never becomes empty.
    An expression has no variables: of its path nothing is left.
    """
    if pattern.is_regex:
        return Substitution("^.*$", template.text.replace("\\", "\\\\"))
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
            body += "/" + literal(segment.text)
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
    if pattern.is_regex:
        return steps((), rest=True)
    texts = [s.kind is Kind.LITERAL and "%" not in s.text for s in pattern.fixed]
    tail = pattern.fixed[texts.index(False) if False in texts else len(texts) :]
    groups = sum(s.kind is not Kind.LITERAL for s in tail) + (pattern.rest is not None)
    return steps(tail, rest=pattern.rest is not None) + GROUP_STEPS * groups


def unchanged(pattern: PathPattern, template: PathTemplate) -> bool:
    """Whether each path that matches a pattern is the path that a template makes of it."""
    if pattern.is_regex:
        return False
    made = [""]
    for segment in pattern.segments:
        made[-1] += "/"
        if segment.kind is Kind.LITERAL:
            made[-1] += segment.text
        else:
            made += [segment.text or "**", ""]
    return tuple(made) == template.parts
