"""What a key does that does not say otherwise: nothing, each function in place of the key's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policies.contract import (
        BackendFacts,
        BackendName,
        Call,
        Claim,
        ClientHeader,
        Fault,
        NamedFacts,
        NamedFault,
        Names,
        Reference,
        RouteFacts,
        Settings,
        Surroundings,
    )


def no_references(_settings: Settings) -> Iterable[Reference]:
    """Name nothing: the default of a key."""
    return ()


def no_backends(_settings: Settings) -> Iterable[BackendName]:
    """Name none: the default of a key that sends requests nowhere."""
    return ()


def no_client_headers(_settings: Settings) -> Iterable[ClientHeader]:
    """Name none: the default of a key that goes by nothing that a client sends in a header."""
    return ()


def as_written(settings: Settings, _around: Surroundings) -> Settings:
    """Give the settings as they are: the default of a key that refers to nothing."""
    return settings


def replaced(own: Settings, _inherited: Settings | None) -> Settings | Fault:
    """Give a route's own value: the default of an atom."""
    return own


def faultless(_settings: Settings, _facts: RouteFacts | BackendFacts) -> Iterable[Fault]:
    """Find nothing: the default of a key whose settings are right wherever they stand."""
    return ()


def unhindered(_settings: Settings, _others: Mapping[str, Settings]) -> Iterable[Fault]:
    """Find nothing: the default of a key that clashes with no other."""
    return ()


def unruled(
    _settings: Settings, _others: Mapping[str, Settings], _facts: RouteFacts
) -> Iterable[Fault]:
    """Find nothing: the default of a key that no other key overrules."""
    return ()


def at_home(
    _settings: Settings, _facts: BackendFacts, _others: Mapping[str, Settings]
) -> Iterable[Fault]:
    """Find nothing: the default of a key that any backend may have."""
    return ()


def off_routes(_settings: Settings) -> Settings | None:
    """Give nothing: the default of a key that acts on the backend alone."""
    return None


def unnamed(_settings: Settings) -> str:
    """Say no name: the default of a key."""
    return ""


def unclaimed(_settings: Settings) -> Iterable[Claim]:
    """Claim nothing: the default of a key."""
    return ()


def uncalled(_settings: Settings) -> Call | None:
    """Call no service: the default of a key."""
    return None


def untouched(_settings: Settings) -> Iterable[str]:
    """Need nothing that may be down: the default of a key."""
    return ()


def as_read(settings: Settings, _facts: NamedFacts) -> Settings:
    """Give the settings as they are: the default of a thing that its place changes nothing of."""
    return settings


def agreed(_settings: Settings, _names: Names) -> Iterable[Fault]:
    """Find nothing: the default of a key whose names may stand together."""
    return ()


def undisputed(_all: Names) -> Iterable[NamedFault]:
    """Find nothing: the default of things whose names alone must differ."""
    return ()
