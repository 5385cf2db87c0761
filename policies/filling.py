"""Whether the variables of a path to make are those of the path that matched."""

from collections.abc import Iterable

from language.paths import PathPattern, PathTemplate
from language.suggest import nearest
from policies.contract import Fault


def unknown_variables(template: PathTemplate, pattern: PathPattern) -> Iterable[Fault]:
    """Name each variable of `template` that `pattern` does not have."""
    rest = pattern.rest
    known = [*pattern.variables, *(["**"] if rest is not None and not rest.text else [])]
    for name in template.variables:
        if name in known:
            continue
        if name == "**":
            rest_name = f"{{{rest.text}}}" if rest is not None else ""
            hint = f"write {rest_name}" if rest_name else "end the route's path in /**"
            yield Fault(path=("path",), message="the route's path has no '**'", hint=hint)
            continue
        near = nearest(name, known)
        known_names = ", ".join(f"{{{k}}}" if k != "**" else k for k in known)
        hint = f"did you mean {{{near}}}?" if near else f"it has {known_names or 'no variables'}"
        message = f"the route's path has no variable '{name}'"
        yield Fault(path=("path",), message=message, hint=hint)
