"""What a route asks of a request beside its method: headers, parameters, an expression's path."""

from collections.abc import Mapping
from typing import TypeAlias

from controlplane.model.gateway import Route
from language.matches import How, TextMatch
from language.relations import covers, meets

Name: TypeAlias = tuple[str, str]
"""Where a value is looked up: header, query or path, and its name there."""

Conditions: TypeAlias = Mapping[Name, TextMatch]


def conditions(route: Route) -> Conditions:
    """The conditions of a route that routes of its rank need not share.

    They share the path unless it is an expression: all expressions are of one rank.
    """
    match = route.match
    found = {("header", name): wanted for name, wanted in match.headers.items()}
    found |= {("query", name): wanted for name, wanted in match.query.items()}
    if route.path.is_regex:
        found["path", ""] = TextMatch(How.REGEX, route.path.regex)
    return found


def methods(route: Route) -> tuple[str, ...]:
    """The methods of a route, or a mark for every method."""
    return route.match.methods or ("*",)


def meet(one: Conditions, other: Conditions) -> bool:
    """Whether one request may meet both, each header and parameter sent once."""
    return all(name not in other or meets(wanted, other[name]) for name, wanted in one.items())


def cover(wide: Conditions, narrow: Conditions) -> bool:
    """Whether each request that meets the second surely meets the first."""
    return all(name in narrow and covers(wanted, narrow[name]) for name, wanted in wide.items())
