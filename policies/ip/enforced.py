"""Which addresses a route lets in, by its settings and by its trie."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from envoy.config.rbac.v3 import rbac_pb2 as rules
from envoy.config.route.v3.route_components_pb2 import Route
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBACPerRoute
from envoy.extensions.matching.common_inputs.network.v3.network_inputs_pb2 import SourceIPInput
from xds.type.matcher.v3.ip_pb2 import IPMatcher
from xds.type.matcher.v3.matcher_pb2 import Matcher

from policies.enforcement import Enforcement
from policies.ip.envoy import FILTER
from policies.ip.ranges import MAPPED, Network, mapped
from policies.ip.spec import AddressRules

_OTHERS = "all others"


def _asked(settings: AddressRules | None) -> Iterator[str]:
    if settings is None:
        return
    others = _word(_OTHERS, denied=bool(settings.allow))
    yield others
    listed = [(one, True) for one in settings.deny] + [(one, False) for one in settings.allow]
    for one, denied in listed:
        yield _word(one, denied=denied)
        six = mapped(one)
        if six is not None:
            yield _word(six, denied=denied)
    every = [one for one, _ in listed]
    if any(n.version == 6 and n.supernet_of(MAPPED) for n in every) and not any(
        n.version == 4 and n.prefixlen == 0 for n in every
    ):  # what is listed of IPv6 says nothing of IPv4
        yield _word(MAPPED, denied=bool(settings.allow))


def _found(route: Route) -> Iterator[str]:
    if FILTER not in route.typed_per_filter_config:
        return
    settings = RBACPerRoute.FromString(route.typed_per_filter_config[FILTER].value)
    matcher = settings.rbac.matcher
    yield _word(_OTHERS, denied=_denies(matcher.on_no_match))
    if not matcher.matcher_tree.input.typed_config.Is(SourceIPInput.DESCRIPTOR):
        yield "look at another address"
    packed = matcher.matcher_tree.custom_match.typed_config
    for entry in IPMatcher.FromString(packed.value).range_matchers:
        denied = _denies(entry.on_match)
        for one in entry.ranges:
            network = ip_network(f"{one.address_prefix}/{one.prefix_len.value}", strict=False)
            yield _word(network, denied=denied)


def _denies(match: Matcher.OnMatch) -> bool:
    action = rules.Action.FromString(match.action.typed_config.value)
    return action.action == rules.RBAC.DENY


def _word(of: Network | str, *, denied: bool) -> str:
    return f"{'refuse' if denied else 'let in'} {of}"


ENFORCED: Mapping[str, Enforcement] = {"ip": Enforcement(asked=_asked, found=_found)}
