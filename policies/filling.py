"""Whether a path can be made of the path that matched: by its variables, and by Envoy."""

from collections.abc import Iterable

from language.expressions import STEPS
from language.paths import PathPattern, PathTemplate
from language.substitutions import FILLED, fillable, filling_steps
from language.suggest import nearest
from policies.contract import Fault


def unknown_variables(template: PathTemplate, pattern: PathPattern) -> Iterable[Fault]:
    """Name each variable of `template` that `pattern` does not have."""
    rest = pattern.rest
    known = fillable(pattern)
    for name in template.variables:
        if name in known:
            continue
        if name == "**":
            rest_name = f"{{{rest.text}}}" if rest is not None else ""
            hint = f"write {rest_name}" if rest_name else "end the route's path in /**"
            hint = (
                "an expression fills nothing in: write a fixed path" if pattern.is_regex else hint
            )
            yield Fault(path=("path",), message="the route's path has no '**'", hint=hint)
            continue
        near = nearest(name, known)
        known_names = ", ".join(f"{{{k}}}" if k != "**" else k for k in known)
        hint = f"did you mean {{{near}}}?" if near else f"it has {known_names or 'no variables'}"
        hint = "an expression fills nothing in: write a fixed path" if pattern.is_regex else hint
        message = f"the route's path has no variable '{name}'"
        yield Fault(path=("path",), message=message, hint=hint)


def beyond_envoy(template: PathTemplate, pattern: PathPattern) -> Iterable[Fault]:
    """Say what Envoy cannot fill in, of variables that the pattern has."""
    late = [v for v in template.variables if v in fillable(pattern)[FILLED:]]
    if late:
        shown = "'**'" if late[0] == "**" else f"'{late[0]}'"
        message = f"{shown} is not among the first {FILLED} variables, and no other is filled in"
        yield Fault(path=("path",), message=message, hint="give the route's path fewer variables")
        return
    steps = filling_steps(pattern)
    if steps > STEPS:
        message = f"the route's path is too long to be filled in: {steps} of Envoy's {STEPS} steps"
        hint = "a character is one step, a variable five: end the route's path in /** earlier"
        yield Fault(path=("path",), message=message, hint=hint)
