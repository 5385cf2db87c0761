"""What settings of backends stand on the routes that go there: one request has one hash."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from controlplane.model.gateway import Backend, File, Route, Setting
from controlplane.model.keys import backend_keys
from language.decode import mistake_at, spot
from language.mistakes import Mistake
from policies.contract import Action, Settings

Forwarding: TypeAlias = tuple[tuple[str, Settings], ...]
"""Keys of a backend, and what each puts on routes."""


def forwarding(backends: Sequence[Backend]) -> Mapping[str, Forwarding]:
    """Each backend that puts something on its routes, by name."""
    found = {one.key.text: tuple(_of(one)) for one in backends}
    return {name: asked for name, asked in found.items() if asked}


def disagreeing(files: Sequence[File]) -> Iterator[Mistake]:
    """Routes to several backends that put different things on them."""
    backends = {one.key.text: one for file in files for one in file.backends}
    asking = forwarding(tuple(backends.values()))
    for file in files if len(asking) > 1 else ():
        for route in file.routes:
            if route.action is Action.FORWARD and len(route.match.to or {}) > 1:
                yield from _of_route(route, asking, backends)


def _of_route(
    route: Route, asking: Mapping[str, Forwarding], backends: Mapping[str, Backend]
) -> Iterator[Mistake]:
    first = ""
    for name, weight in (route.match.to or {}).items():
        if not weight or name not in asking:
            continue
        first = first or name
        if asking[name] == asking[first]:
            continue
        found = spot(route.node, None, ("to", name))
        places = tuple(_setting(backends[one]).place for one in (first, name))
        message = f"'{first}' and '{name}' are balanced by different things, and a route by one"
        hint = "give both the same, or one of them a balance without"
        mistake = mistake_at(route.file, found.key or found.node, message, hint)
        yield replace(mistake, also=places)
        return


def _of(backend: Backend) -> Iterator[tuple[str, Settings]]:
    for one in backend.settings:
        value = backend_keys()[one.key].on_routes(one.value)
        if value is not None:
            yield one.key, value


def _setting(backend: Backend) -> Setting:
    keys = {key for key, _ in _of(backend)}
    return next(one for one in backend.settings if one.key in keys)
