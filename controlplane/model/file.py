"""A document as the model of its file: what it defines, and every mistake it can have alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from controlplane.model.backends import read_backends
from controlplane.model.gateway import Backend, File, Listen, Route
from controlplane.model.inherit import Default, Facts, default, is_none
from controlplane.model.keys import backend_keys, route_keys
from controlplane.model.routes import read_routes
from language.decode import Decoder, Refused, mistake_at, unknown_key
from language.mistakes import Mistake
from language.nodes import MapNode, Node, Scalar
from language.paths import parse_pattern
from language.places import Place
from language.reader import Document
from language.scalars import UNIQUE, Host
from policies.contract import BackendFacts, Key, RouteFacts

TOP = ("version", "listen", "hosts", "defaults", "backends", "routes")
"""The keys of a gateway file."""

ONLY_GATEWAY = ("version", "listen")
"""The keys that stand in the first file of a folder alone."""

_LISTEN: Decoder[Listen] = Decoder(Listen)
_ANY_ROUTE = RouteFacts(path=parse_pattern("/**"), methods=())
_ANY_BACKEND = BackendFacts(authority="", http2=False)
"""What a default stands on; no inherited key's faults depend on more."""

HOSTS: Decoder[tuple[str, ...]] = Decoder(Annotated[tuple[Host, ...], UNIQUE])


@dataclass(slots=True)
class _Draft:
    """A file as far as it is read."""

    document: Document
    mistakes: list[Mistake] = field(default_factory=list)

    def at(self, where: Node, message: str, hint: str = "") -> None:
        self.mistakes.append(mistake_at(self.document.file, where, message, hint))

    def mapping(self, key: Scalar | None, value: Node | None) -> Mapping[str, tuple[Scalar, Node]]:
        if isinstance(value, MapNode):
            return {k.text: (k, v) for k, v in value.entries}
        if value is not None and key is not None:
            self.at(value, f"'{key.text}' holds a mapping", "write keys below it")
        return {}


def read_file(document: Document, *, gateway: bool) -> tuple[File, tuple[Mistake, ...]]:
    """Model a document; `gateway` says whether it is the file that holds version and listen."""
    draft = _Draft(document)
    root = document.root
    top: Mapping[str, tuple[Scalar, Node]] = {}
    if isinstance(root, MapNode):
        top = {k.text: (k, v) for k, v in root.entries}
    elif root is not None:
        draft.at(root, "a gateway file is a mapping", "start with version: 1")
    _check_top(draft, top, root, gateway=gateway)
    route_defaults, backend_defaults = _defaults(draft, *top.get("defaults", (None, None)))
    listen, listen_place = _listen(draft, top.get("listen"), gateway=gateway)
    hosts, host_places = _hosts(draft, top.get("hosts"))
    routes: list[Route] = []
    backends: list[Backend] = []
    named = draft.mapping(*top.get("backends", (None, None)))
    for read in read_backends(document.file, named, backend_defaults):
        if isinstance(read, Mistake):
            draft.mistakes.append(read)
        else:
            backends.append(read)
    for found in read_routes(document.file, top.get("routes"), route_defaults):
        if isinstance(found, Mistake):
            draft.mistakes.append(found)
        else:
            routes.append(found)
    file = File(
        name=document.file,
        listen=listen,
        listen_place=listen_place,
        hosts=hosts,
        host_places=host_places,
        routes=tuple(routes),
        backends=tuple(backends),
        names=tuple(name for name, _ in named.values()),
    )
    return file, tuple(draft.mistakes)


def _check_top(
    draft: _Draft, top: Mapping[str, tuple[Scalar, Node]], root: Node | None, *, gateway: bool
) -> None:
    for key, _ in top.values():
        if key.text not in TOP:
            draft.mistakes.append(_misplaced(draft.document.file, key) or _unknown(draft, key))
        elif key.text in ONLY_GATEWAY and not gateway:
            draft.at(key, f"'{key.text}' stands only in gateway.yaml", "move it there")
    if not gateway or not isinstance(root, MapNode):
        return
    if "version" not in top:
        draft.at(root.entries[0][0] if root.entries else root, "'version' is missing", "version: 1")
    else:
        value = top["version"][1]
        if not (isinstance(value, Scalar) and value.text == "1" and not value.quoted):
            draft.at(value, "this is not a version of the language", "write version: 1")


def _unknown(draft: _Draft, key: Scalar) -> Mistake:
    return unknown_key(draft.document.file, key, TOP)


def _misplaced(file: str, key: Scalar) -> Mistake | None:
    if key.text in route_keys():
        where = "a route, or defaults" if route_keys()[key.text].inherited else "a route"
        return mistake_at(file, key, f"'{key.text}' belongs to {where}", "move it there")
    if key.text in backend_keys():
        hint = "move it below backends.NAME or defaults.backend"
        return mistake_at(file, key, f"'{key.text}' belongs to a backend", hint)
    return None


def _listen(
    draft: _Draft, written: tuple[Scalar, Node] | None, *, gateway: bool
) -> tuple[Listen | None, Place]:
    if written is None or not gateway:
        return (Listen() if gateway else None), Place(draft.document.file, 1, 1)
    key, value = written
    place = Place(draft.document.file, key.line, key.column)
    read = _LISTEN.decode(draft.document.file, value, key)
    if isinstance(read, Refused):
        draft.mistakes.extend(read.mistakes)
        return None, place
    return read, place


def _hosts(
    draft: _Draft, written: tuple[Scalar, Node] | None
) -> tuple[tuple[str, ...], tuple[Place, ...]]:
    file = draft.document.file
    if written is None:
        return ("*",), (Place(file, 1, 1),)
    key, value = written
    read = HOSTS.decode(file, value, key)
    if isinstance(read, Refused):
        draft.mistakes.extend(read.mistakes)
        return (), ()
    items = value.items if not isinstance(value, Scalar | MapNode) else ()
    return read, tuple(Place(file, i.line, i.column) for i in items)


def _defaults(
    draft: _Draft, key: Scalar | None, value: Node | None
) -> tuple[Mapping[str, Default], Mapping[str, Default]]:
    written = dict(draft.mapping(key, value))
    below = draft.mapping(*written.pop("backend", (None, None)))
    routes = dict(
        _group(draft, written, route_keys(), (*_inherited(route_keys()), "backend"), _ANY_ROUTE)
    )
    backends = dict(_group(draft, below, backend_keys(), _inherited(backend_keys()), _ANY_BACKEND))
    return routes, backends


def _inherited(keys: Mapping[str, Key]) -> tuple[str, ...]:
    return tuple(k.name for k in keys.values() if k.inherited)


def _group(
    draft: _Draft,
    written: Mapping[str, tuple[Scalar, Node]],
    keys: Mapping[str, Key],
    known: tuple[str, ...],
    facts: Facts,
) -> Iterator[tuple[str, Default]]:
    file = draft.document.file
    for name, value in written.values():
        key = keys.get(name.text)
        if key is None and name.text in backend_keys():
            draft.at(name, f"'{name.text}' belongs to a backend", "move it below defaults.backend")
        elif key is None and name.text in route_keys():
            draft.at(name, f"'{name.text}' belongs to a route", "move it below defaults")
        elif key is None:
            draft.mistakes.append(unknown_key(file, name, known))
        elif not key.inherited:
            draft.at(name, f"'{name.text}' is not inherited", "write it on each route")
        elif is_none(value) and not key.required and not key.none_acts:
            draft.at(value, "'none' switches nothing off here", "leave the key out")
        else:
            read, mistakes = default(file, key, (name, value), facts)
            draft.mistakes.extend(mistakes)
            yield name.text, read
