"""Addresses as Envoy's RBAC filter: always in the chain, with an address trie on the route."""

from collections.abc import Iterable, Mapping

from envoy.config.rbac.v3 import rbac_pb2 as rules
from envoy.config.route.v3.route_components_pb2 import Route
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC, RBACPerRoute
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.matching.common_inputs.network.v3.network_inputs_pb2 import SourceIPInput
from xds.type.matcher.v3.ip_pb2 import IPMatcher
from xds.type.matcher.v3.matcher_pb2 import Matcher

from policies.contract import FilterStep, RouteFacts, RouteStep, WhenDown
from policies.ip.ranges import MAPPED, Network, mapped
from policies.ip.spec import AddressRules

FILTER = "foregate.ip"


def _ip(settings: AddressRules, _facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    per_route = RBACPerRoute()
    per_route.rbac.matcher.CopyFrom(_matcher(settings))
    route.typed_per_filter_config[FILTER].Pack(per_route, deterministic=True)
    return (route,)


def _matcher(settings: AddressRules) -> Matcher:
    """One trie in which the longest range decides.

    So deny wins: no range of `allow` stands within one of `deny`, which is a mistake of the file.
    """
    out = Matcher()
    tree = out.matcher_tree
    tree.input.name = "envoy.matching.inputs.source_ip"
    tree.input.typed_config.Pack(SourceIPInput(), deterministic=True)
    trie = IPMatcher()
    unlisted = _action("unlisted", denied=bool(settings.allow))
    _add(trie, settings.deny, _action("deny", denied=True))
    _add(trie, settings.allow, _action("allow", denied=False))
    listed = (*settings.deny, *settings.allow)
    six = any(n.version == 6 and n.supernet_of(MAPPED) for n in listed)
    if six and not any(n.version == 4 and n.prefixlen == 0 for n in listed):
        # a range of IPv6 says nothing of IPv4 addresses that a proxy writes in IPv6's way
        _add(trie, (MAPPED,), unlisted)
    tree.custom_match.name = "envoy.matching.custom_matchers.trie_matcher"
    tree.custom_match.typed_config.Pack(trie, deterministic=True)
    out.on_no_match.CopyFrom(unlisted)
    return out


def _add(trie: IPMatcher, ranges: Iterable[Network], action: Matcher.OnMatch) -> None:
    found = [two for one in ranges for two in (one, mapped(one)) if two is not None]
    if not found:
        return
    entry = trie.range_matchers.add(on_match=action)
    for network in found:
        added = entry.ranges.add(address_prefix=str(network.network_address))
        added.prefix_len.value = network.prefixlen


def _action(name: str, *, denied: bool) -> Matcher.OnMatch:
    out = Matcher.OnMatch()
    out.action.name = f"ip.{name}"
    verdict = rules.RBAC.DENY if denied else rules.RBAC.ALLOW
    action = rules.Action(name=f"ip.{name}", action=verdict)
    out.action.typed_config.Pack(action, deterministic=True)
    return out


def _filter(_when_down: WhenDown) -> hcm_pb2.HttpFilter:
    one = hcm_pb2.HttpFilter(name=FILTER)
    one.typed_config.Pack(RBAC(), deterministic=True)
    return one


ROUTE: Mapping[str, RouteStep] = {"ip": _ip}

FILTERS: Mapping[str, FilterStep] = {"ip": _filter}
