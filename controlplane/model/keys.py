"""The keys that policies bring into the language, by where they stand."""

import importlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from language.decode import Decoder
from policies import POLICIES
from policies.contract import BackendKey, Key, NamedKey, RouteKey, Settings


@cache
def route_keys() -> Mapping[str, RouteKey]:
    """The keys of routes, in the order of POLICIES."""
    return MappingProxyType({k.name: k for k in _keys() if isinstance(k, RouteKey)})


@cache
def backend_keys() -> Mapping[str, BackendKey]:
    """The keys of backends, in the order of POLICIES."""
    return MappingProxyType({k.name: k for k in _keys() if isinstance(k, BackendKey)})


@cache
def named_keys() -> Mapping[str, NamedKey]:
    """The keys at the top of a file that name things, in the order of POLICIES."""
    return MappingProxyType({k.name: k for k in _keys() if isinstance(k, NamedKey)})


@cache
def decoder(key: Key) -> Decoder[Settings]:
    """The reader of a key's settings, built once."""
    return Decoder(key.settings)


@cache
def _keys() -> tuple[Key, ...]:
    specs = [importlib.import_module(f"policies.{name}.spec") for name in POLICIES]
    return tuple(key for spec in specs for key in spec.KEYS)
