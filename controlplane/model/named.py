"""The things that a file names at its top for its routes to use: identities, consumers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from controlplane.model.gateway import Named
from controlplane.model.inherit import Entry, told
from controlplane.model.keys import decoder
from language.decode import Decoder, Refused, blank
from language.mistakes import Mistake, errors
from language.scalars import Name
from language.secrets import Reading, Secrets
from policies.contract import NamedFacts, NamedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A file as messages name it, as it is seen from the folder of gateway.yaml, and secrets."""

    file: str
    name: str
    secrets: Secrets


_NAME: Decoder[str] = Decoder(Name)


def read_named(at: Home, key: NamedKey, written: Mapping[str, Entry]) -> Iterator[Named | Mistake]:
    """Each named thing, without a value where it has mistakes, and those."""
    file = at.file
    for entry in written.values():
        name, node = entry
        found = list(_read(at, key, entry))
        mistakes = [one for one in found if isinstance(one, Mistake)]
        values = [] if errors(mistakes) else [v for v in found if not isinstance(v, Mistake)]
        yield Named(
            kind=key.name, file=file, key=name, node=node, value=values[0] if values else None
        )
        yield from mistakes


def _read(at: Home, key: NamedKey, entry: Entry) -> Iterator[object]:
    file = at.file
    name, node = entry
    named = _NAME.decode(file, name, None)
    if isinstance(named, Refused):
        yield from named.mistakes
        return
    if blank(node):
        return
    context = Reading(secrets=at.secrets, file=file)
    read = decoder(key).decode(file, node, name, context)
    if isinstance(read, Refused):
        yield from read.mistakes
        return
    facts = NamedFacts(name=name.text, folder=str(PurePosixPath(at.name).parent))
    for fault in key.faults(read, facts):
        mistake = told(file, entry, fault, inherited=False)
        if mistake is not None:
            yield mistake
    yield key.settled(read, facts)
