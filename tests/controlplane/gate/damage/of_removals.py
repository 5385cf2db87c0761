"""Damage to what is removed from every request first."""

from collections.abc import Callable

from envoy.config.common.mutation_rules.v3.mutation_rules_pb2 import HeaderMutation
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    header_mutation_pb2 as early_pb2,
)

from policies.edge import STRIPPED_AT_THE_EDGE, STRIPPED_PREFIXES
from tests.controlplane.gate.damage.damage import Apply, Damage, in_manager
from tests.controlplane.gate.damage.example import listener


def early(change: Callable[[early_pb2.HeaderMutation], None]) -> Apply:
    """Change what is done to headers first."""

    def inner(manager: hcm_pb2.HttpConnectionManager) -> None:
        packed = manager.early_header_mutation_extensions[0].typed_config
        found = early_pb2.HeaderMutation.FromString(packed.value)
        change(found)
        packed.Pack(found, deterministic=True)

    return in_manager(inner)


def _kept(what: Callable[[HeaderMutation], str], text: str) -> Apply:
    def inner(found: early_pb2.HeaderMutation) -> None:
        (at,) = (n for n, one in enumerate(found.mutations) if what(one) == text)
        del found.mutations[at]

    return early(inner)


def _name(one: HeaderMutation) -> str:
    return one.remove


def _prefix(one: HeaderMutation) -> str:
    return one.remove_on_match.key_matcher.prefix


def _one_header_alone(found: early_pb2.HeaderMutation) -> None:
    matcher = found.mutations[0].remove_on_match.key_matcher
    matcher.exact = f"{matcher.prefix}user"


def _said_for_clients(found: early_pb2.HeaderMutation) -> None:
    option = HeaderMutation()
    option.append.header.key, option.append.header.value = "x-foregate-user", "admin"
    found.mutations.insert(0, option)


def _proxies_trusted(manager: hcm_pb2.HttpConnectionManager) -> None:
    manager.xff_num_trusted_hops = 1


OF_REMOVALS = (
    *(
        Damage(name=f"{one}*-of-clients", apply=_kept(_prefix, one), blamed=listener())
        for one in STRIPPED_PREFIXES
    ),
    *(
        Damage(name=f"{one}-of-clients", apply=_kept(_name, one), blamed=listener())
        for one in STRIPPED_AT_THE_EDGE
    ),
    Damage(name="one-header-removed-alone", apply=early(_one_header_alone), blamed=listener()),
    Damage(name="headers-said-for-clients", apply=early(_said_for_clients), blamed=listener()),
    Damage(name="proxies-trusted", apply=in_manager(_proxies_trusted), blamed=listener()),
)
