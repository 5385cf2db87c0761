"""Which keys stand at which level of a file, and where one belongs that stands at another."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache

from pydantic.alias_generators import to_camel

from controlplane.model.gateway import Listen, Match, Target
from controlplane.model.keys import backend_keys, decoder, named_keys, route_keys
from language.decode import mistake_at, unknown_key
from language.mistakes import Mistake
from language.nodes import MapNode, Scalar
from language.suggest import nearest
from policies.contract import WhenDown

MATCH = tuple(field.name for field in fields(Match))
"""The keys of a route that no policy brings."""

TARGET = tuple(field.name for field in fields(Target))
"""The keys of a backend that no policy brings."""

_HINTS = {
    "the file itself": "move it to the start of a line",
    "listen": "move it below listen",
    "whenDown": "move it below whenDown",
    "a route": "move it there",
    "a route, or defaults": "move it there",
    "a backend": "move it below backends.NAME",
    "a backend, or defaults.backend": "move it below backends.NAME or defaults.backend",
}


@cache
def top_keys() -> tuple[str, ...]:
    """The keys of a gateway file."""
    first = ("version", "listen", "hosts", "defaults")
    return (*first, *named_keys(), "backends", "routes", "whenDown")


def unfit_key(file: str, key: Scalar, known: tuple[str, ...], *, here: str) -> Mistake:
    """A mistake at a key that may not stand at the level `here`, which has the known ones."""
    homes = [home for home in _homes().get(key.text, ()) if not home.startswith(here)]
    if homes:
        message = f"'{key.text}' belongs to {' or '.join(homes)}"
        return mistake_at(file, key, message, _HINTS.get(homes[0], f"move it below {homes[0]}"))
    return unknown_key(file, key, known)


def mended(node: MapNode, known: tuple[str, ...]) -> MapNode:
    """A mapping in which misspelled keys are those that they were meant for.

    So a mistake in a key hides none in its value, and the key that was meant is not missing.
    """
    if all(key.text in known for key, _ in node.entries):
        return node
    entries = []
    taken = {key.text for key, _ in node.entries}
    for key, value in node.entries:
        meant = None if key.text in known or key.text in _homes() else nearest(key.text, known)
        if meant is not None and meant not in taken:
            taken.add(meant)
            entries.append((key._replace(text=meant), value))
        else:
            entries.append((key, value))
    return node._replace(entries=tuple(entries))


@cache
def _homes() -> Mapping[str, tuple[str, ...]]:
    """Where each key belongs; those of policies' own settings only where no level has them."""
    homes: dict[str, list[str]] = {}
    levels: dict[str, list[str]] = {
        "the file itself": list(top_keys()),
        "a route": [*MATCH, *(k.name for k in route_keys().values() if not k.inherited)],
        "a route, or defaults": [k.name for k in route_keys().values() if k.inherited],
        "a backend": list(TARGET),
        "a backend, or defaults.backend": list(backend_keys()),
        "listen": [to_camel(field.name) for field in fields(Listen)],
    }
    levels["whenDown"] = [
        name
        for name in (to_camel(field.name) for field in fields(WhenDown))
        if not any(name in known for known in levels.values())
    ]
    for home, names in levels.items():
        for name in names:
            homes.setdefault(name, []).append(home)
    deeper: dict[str, list[str]] = {}
    for key in (*route_keys().values(), *backend_keys().values(), *named_keys().values()):
        for name in decoder(key).keys(()):
            if name not in homes:
                deeper.setdefault(name, []).append(f"'{key.name}'")
    return {name: tuple(found) for name, found in {**deeper, **homes}.items()}
