"""The things that a file names at its top for its routes to use: identities, consumers."""

from collections.abc import Iterator, Mapping

from controlplane.model.gateway import Named
from controlplane.model.inherit import Entry, told
from controlplane.model.keys import decoder
from language.decode import Decoder, Refused, blank
from language.mistakes import Mistake, errors
from language.scalars import Name
from policies.contract import NamedFacts, NamedKey

_NAME: Decoder[str] = Decoder(Name)


def read_named(file: str, key: NamedKey, written: Mapping[str, Entry]) -> Iterator[Named | Mistake]:
    """Each named thing, without a value where it has mistakes, and those."""
    for entry in written.values():
        name, node = entry
        found = list(_read(file, key, entry))
        mistakes = [one for one in found if isinstance(one, Mistake)]
        values = [] if errors(mistakes) else [v for v in found if not isinstance(v, Mistake)]
        yield Named(
            kind=key.name, file=file, key=name, node=node, value=values[0] if values else None
        )
        yield from mistakes


def _read(file: str, key: NamedKey, entry: Entry) -> Iterator[object]:
    name, node = entry
    named = _NAME.decode(file, name, None)
    if isinstance(named, Refused):
        yield from named.mistakes
        return
    if blank(node):
        return
    read = decoder(key).decode(file, node, name)
    if isinstance(read, Refused):
        yield from read.mistakes
        return
    for fault in key.faults(read, NamedFacts(name=name.text)):
        mistake = told(file, entry, fault, inherited=False)
        if mistake is not None:
            yield mistake
    yield read
