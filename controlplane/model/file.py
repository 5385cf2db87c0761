"""A document as the model of its file: what it defines, and every mistake it can have alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, TypeVar

from controlplane.model.backends import read_backends
from controlplane.model.certain import Doubts
from controlplane.model.gateway import File, Listen, Named, Route, Setting
from controlplane.model.inherit import Default, Facts, Inherited, default, is_none
from controlplane.model.keys import backend_keys, named_keys, route_keys
from controlplane.model.levels import mended, top_keys, unfit_key
from controlplane.model.named import Home, read_named
from controlplane.model.routes import Around, may_name, read_routes, references
from language.decode import Decoder, Refused, blank, mistake_at
from language.hosts import Host
from language.mistakes import Mistake, errors
from language.nodes import ListNode, MapNode, Node, Scalar
from language.paths import parse_pattern
from language.places import Place
from language.reader import Document
from language.report import SHOWN
from language.scalars import UNIQUE
from language.secrets import Secrets
from policies.contract import BackendFacts, Key, RouteFacts, WhenDown

T = TypeVar("T")

ONLY_GATEWAY = ("version", "listen", "whenDown")
"""The keys that stand in the first file of a folder alone."""

_LISTEN: Decoder[Listen] = Decoder(Listen)
_WHEN_DOWN: Decoder[WhenDown] = Decoder(WhenDown)
_ANY_ROUTE = RouteFacts(path=parse_pattern("/**"), methods=())
_ANY_BACKEND = BackendFacts(authority="", http2=False)
"""What a default stands on; no inherited key's faults depend on more."""

_HOST: Decoder[str] = Decoder(Host)
HOSTS: Decoder[tuple[str, ...]] = Decoder(Annotated[tuple[Host, ...], UNIQUE])


@dataclass(slots=True)
class _Draft:
    """A file as far as it is read."""

    document: Document
    doubts: Doubts
    mistakes: list[Mistake] = field(default_factory=list)

    def at(self, where: Node, message: str, hint: str = "") -> None:
        self.mistakes.append(mistake_at(self.document.file, where, message, hint))

    def mapping(self, key: Scalar | None, value: Node | None) -> Mapping[str, tuple[Scalar, Node]]:
        if isinstance(value, MapNode):
            return {k.text: (k, v) for k, v in value.entries}
        if value is not None and key is not None and not blank(value):
            self.at(value, f"'{key.text}' holds a mapping", "write keys below it")
        return {}


def read_file(
    document: Document, *, gateway: bool | None, home: Home | None = None
) -> tuple[File, tuple[Mistake, ...]]:
    """Model a document; `gateway` says whether it is the file that holds version and listen.

    It is None where no file is that, which is a mistake enough.
    """
    home = home or Home(file=document.file, name=document.file, secrets=Secrets())
    draft = _Draft(document, Doubts(document))
    root = document.root
    top: Mapping[str, tuple[Scalar, Node]] = {}
    if isinstance(root, MapNode):
        unknown = islice((key for key, _ in root.entries if key.text not in top_keys()), SHOWN)
        draft.mistakes += [
            unfit_key(document.file, k, top_keys(), here="the file") for k in unknown
        ]
        top = {k.text: (k, v) for k, v in mended(root, top_keys()).entries}
    elif root is not None and not blank(root):
        draft.at(root, "a gateway file is a mapping", "start with version: 1")
    _check_top(draft, top, gateway=gateway)
    for_routes, for_backends = _defaults(draft, top.get("defaults"), has_backends="backends" in top)
    listen, listen_place = _listen(draft, top.get("listen"), gateway=gateway)
    hosts, host_places = _hosts(draft, top.get("hosts"))
    names = draft.mapping(*top.get("backends", (None, None)))
    backends = _kept(draft, read_backends(document.file, names, for_backends))
    named, unread = _named(draft, top, home)
    when_down = _when_down(draft, top.get("whenDown"), gateway=gateway)
    around = Around(hosts=hosts, host_places=host_places, inherited=for_routes)
    read = _kept(draft, read_routes(document.file, top.get("routes"), around))
    naming = [d.setting for d in for_routes.defaults.values() if d.setting is not None]
    mistakes = draft.doubts.certain(draft.mistakes)
    wrong = bool(errors((*document.mistakes, *mistakes)))
    file = File(
        name=document.file,
        home=home.name,
        listen=listen,
        listen_place=listen_place,
        hosts=hosts,
        host_places=host_places,
        routes=tuple(r for r in read if isinstance(r, Route) and not draft.doubts.about(r.node)),
        backends=tuple(backends),
        names=tuple(name for name, _ in names.values()),
        references=() if not document.complete else tuple(references(top.get("routes"))),
        named=named,
        naming=(
            *(s for s in naming if may_name(s)),
            *(s for s in read if isinstance(s, Setting)),
        ),
        unread=unread,
        when_down=when_down,
        keys=tuple(key for key, _ in top.values()),
        complete=document.complete and ("backends" not in top or bool(names)),
        sound=not wrong,
    )
    return file, mistakes


def _kept(draft: _Draft, found: Iterable[T | Mistake]) -> list[T]:
    """What was read, its mistakes put to the others."""
    kept: list[T] = []
    for one in found:
        if isinstance(one, Mistake):
            draft.mistakes.append(one)
        else:
            kept.append(one)
    return kept


def _named(
    draft: _Draft, top: Mapping[str, tuple[Scalar, Node]], home: Home
) -> tuple[tuple[Named, ...], frozenset[str]]:
    """The named things of all kinds, and the kinds whose names could not be read."""
    named: list[Named] = []
    unread: set[str] = set()
    for kind, key in named_keys().items():
        written = draft.mapping(*top.get(kind, (None, None)))
        named += _kept(draft, read_named(home, key, written))
        if not draft.document.complete or (kind in top and not written):
            unread.add(kind)
    return tuple(named), frozenset(unread)


def _when_down(
    draft: _Draft, written: tuple[Scalar, Node] | None, *, gateway: bool | None
) -> Setting | None:
    if written is None or not gateway or blank(written[1]):
        return None
    file = draft.document.file
    key, value = written
    read = _WHEN_DOWN.decode(file, value, key)
    if isinstance(read, Refused):
        draft.mistakes.extend(read.mistakes)
        return None
    return Setting(key=key.text, value=read, file=file, name=key, node=value, inherited=False)


def _check_top(
    draft: _Draft, top: Mapping[str, tuple[Scalar, Node]], *, gateway: bool | None
) -> None:
    for key, _ in top.values():
        if key.text in ONLY_GATEWAY and gateway is False:
            hint = "it holds for the whole folder: move it there"
            draft.at(key, f"'{key.text}' stands only in gateway.yaml", hint)
    if not gateway or not top:
        return
    if "version" in top:
        value = top["version"][1]
        one = isinstance(value, Scalar) and value.text == "1" and not value.quoted
        if not one and not blank(value):
            draft.at(value, "this is not a version of the language", "write version: 1")
    elif draft.document.complete:
        hint = "write version: 1"
        draft.at(next(iter(top.values()))[0], "'version' is missing", hint)


def _listen(
    draft: _Draft, written: tuple[Scalar, Node] | None, *, gateway: bool | None
) -> tuple[Listen | None, Place]:
    if written is None or not gateway:
        return (Listen() if gateway else None), Place(draft.document.file, 1, 1)
    key, value = written
    place = Place(draft.document.file, key.line, key.column)
    if blank(value):
        return None, place
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
    if blank(value):
        return (), ()
    read = HOSTS.decode(file, value, key)
    items = value.items if isinstance(value, ListNode) else (value,)
    if isinstance(read, Refused):
        draft.mistakes.extend(read.mistakes)
        found = {host: item for item in items for host in _readable(file, key, item)}
        return tuple(found), tuple(Place(file, i.line, i.column) for i in found.values())
    return read, tuple(Place(file, i.line, i.column) for i in items)


def _readable(file: str, key: Scalar, item: Node) -> Iterator[str]:
    """A host of a list that has mistakes, also in capitals: requests to it are to be held."""
    if isinstance(item, Scalar):
        host = _HOST.decode(file, item._replace(text=item.text.lower()), key)
        if not isinstance(host, Refused):
            yield host


def _defaults(
    draft: _Draft, entry: tuple[Scalar, Node] | None, *, has_backends: bool
) -> tuple[Inherited, Inherited]:
    written = dict(draft.mapping(*(entry or (None, None))))
    below_entry = written.pop("backend", None)
    below = draft.mapping(*(below_entry or (None, None)))
    if below_entry is not None and not has_backends and draft.document.complete:
        hint = "it holds for the backends of its own file: move it there"
        draft.at(below_entry[0], "'backend' has no effect: this file has no backends", hint)
    routes = dict(
        _group(draft, written, route_keys(), (*_inherited(route_keys()), "backend"), _ANY_ROUTE)
    )
    backends = dict(_group(draft, below, backend_keys(), _inherited(backend_keys()), _ANY_BACKEND))
    read = entry is None or not draft.doubts.about(entry[1])
    whole = draft.document.complete and read and (entry is None or bool(written or below_entry))
    return (
        Inherited(defaults=routes, whole=whole),
        Inherited(defaults=backends, whole=whole and (below_entry is None or bool(below))),
    )


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
    level = "defaults.backend" if facts is _ANY_BACKEND else "defaults"
    for name, value in written.values():
        key = keys.get(name.text)
        if key is None:
            draft.mistakes.append(unfit_key(file, name, known, here=level))
        elif not key.inherited:
            draft.at(name, f"'{name.text}' is not inherited", "write it on each route")
        elif is_none(value) and not key.required and not key.none_acts:
            draft.at(value, "'none' switches nothing off here", "leave the key out")
        else:
            read, mistakes = default(file, key, (name, value), facts)
            draft.mistakes.extend(mistakes)
            yield name.text, read
