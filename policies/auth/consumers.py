"""The settings of `consumers`: who holds which API key."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from language.decode import settings
from language.scalars import DISTINCT, Name, fault
from language.secrets import SECRET_SCHEMA, secret
from policies.auth.identities import Identity
from policies.auth.scopes import Scope
from policies.contract import Fault, NamedFacts, NamedFault, Names, Reference

Path: TypeAlias = tuple[str | int, ...]

_HASH = re.compile(r"sha256:([0-9A-Fa-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHash:
    """The SHA-256 of a key; None where the secret that holds it is not set, which `unset` names."""

    sha256: bytes | None = field(default=None, repr=False)
    unset: str = ""

    def __str__(self) -> str:
        """Say that there is one, and nothing of it."""
        return self.unset or "a hash"


def _hash(value: object, info: ValidationInfo) -> KeyHash:
    read = secret(value, info)
    if read.text is None:
        return KeyHash(unset=read.unset)
    found = _HASH.fullmatch(read.text)
    if not found:
        hint = "write sha256: and 64 hex digits, as foregate keys prints it"
        raise fault("this is not the hash of a key", hint, hidden=True)
    return KeyHash(sha256=bytes.fromhex(found[1]))


Hash: TypeAlias = Annotated[KeyHash, BeforeValidator(_hash), WithJsonSchema(SECRET_SCHEMA)]


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of a consumer."""

    hash: Annotated[Hash, Field(description="sha256: and the hash of the key; a secret.")]
    identity: Annotated[
        Name | None, Field(description="The identity of kind apiKey; the only one unless written.")
    ] = None
    scopes: Annotated[
        tuple[Scope, ...], DISTINCT, Field(description="What its holder may do; nothing.")
    ] = ()


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Who holds keys."""

    key: Annotated[
        Hash | None, Field(description="The hash of one key of the only apiKey identity; a secret.")
    ] = None
    keys: Annotated[tuple[Key, ...], Field(description="The keys, each with its hash.")] = ()

    def held(self) -> Iterator[tuple[Path, Key]]:
        """Each key, and where it stands."""
        if self.key is not None:
            yield ("key",), Key(hash=self.key)
        for position, key in enumerate(self.keys):
            yield ("keys", position), key


def consumer_faults(settings: Consumer, _facts: NamedFacts) -> Iterable[Fault]:
    """What a consumer cannot be alone."""
    if settings.key is not None and settings.keys:
        message = "'key' is short for one of 'keys': they do not stand together"
        yield Fault(path=("key",), message=message, hint="move it below keys", at_key=True)
    if settings.key is None and not settings.keys:
        yield Fault(path=(), message="a consumer needs a key", hint='add key: "sha256:…"')
    for path, key in settings.held():
        if key.hash.unset:
            yield Fault(
                path=_to_hash(path),
                message=f"the secret {key.hash.unset} is not set here",
                hint="a server refuses to go without it; check --env asks for it too",
                warning=True,
            )


def identities_of(settings: Consumer) -> Iterable[Reference]:
    """Give the identities that keys name."""
    for position, key in enumerate(settings.keys):
        if key.identity is not None:
            path = ("keys", position, "identity")
            yield Reference(kind="identities", name=key.identity, path=path)


def api_keys(names: Names) -> tuple[str, ...]:
    """The identities of kind apiKey."""
    identities: Mapping[str, Identity] = names["identities"]
    return tuple(sorted(n for n, one in identities.items() if one.api_key is not None))


def consumers_together(names: Names) -> Iterable[NamedFault]:
    """What consumers cannot be beside each other and the identities."""
    kinds = api_keys(names)
    consumers: Mapping[str, Consumer] = names["consumers"]
    seen: dict[bytes, tuple[str, Path]] = {}
    for name, consumer in sorted(consumers.items()):
        for path, key in consumer.held():
            unknown = key.identity is not None and key.identity not in names["identities"]
            fault = None if unknown else _misplaced(path, key, kinds)
            if fault is not None:
                yield NamedFault(name=name, fault=fault)
            if key.hash.sha256 is None:
                continue
            here = (name, _to_hash(path))
            first = seen.setdefault(key.hash.sha256, here)
            if first != here:
                message = f"this key is the consumer '{first[0]}'s already"
                fault = Fault(path=here[1], message=message, hint="each key has one holder")
                yield NamedFault(name=name, fault=fault, also=(first,))


def _misplaced(path: Path, key: Key, kinds: tuple[str, ...]) -> Fault | None:
    """A key that belongs to no identity of kind apiKey."""
    if key.identity is not None:
        if key.identity in kinds:
            return None
        message = f"'{key.identity}' takes no API keys"
        hint = f"write {kinds[0]}" if kinds else "give an identity with apiKey"
        return Fault(path=(*path, "identity"), message=message, hint=hint)
    if len(kinds) == 1:
        return None
    if kinds:
        message = f"whose key is this: there are {' and '.join(kinds)}"
        hint = "write keys: [{hash: …, identity: NAME}]"
    else:
        message = "no identity takes API keys"
        hint = "add one below identities: keys: {apiKey: {header: x-api-key}}"
    return Fault(path=path, message=message, hint=hint, at_key=True)


def _to_hash(path: Path) -> Path:
    return path if path == ("key",) else (*path, "hash")
