"""Every policy that keeps something out says when it is weaker; addresses one by one."""

from importlib.util import find_spec
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.difference.guards import (
    backend_steps,
    named_steps,
    together_steps,
    weaker_steps,
)
from policies import ENFORCED, GUARDS, NO_GUARDS, POLICIES
from policies.ip.spec import AddressRules
from policies.ip.weaker import WEAKER
from tests.policies.policy_folders import keys


def test_each_policy_guards_or_is_known_not_to() -> None:
    assert sorted((*GUARDS, *NO_GUARDS)) == sorted(POLICIES)
    assert set(ENFORCED) < set(GUARDS)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_that_guards_compares_its_own_keys(policy: str) -> None:
    assert (find_spec(f"policies.{policy}.weaker") is not None) == (policy in GUARDS)
    assert (find_spec(f"policies.{policy}.enforced") is not None) == (policy in ENFORCED)
    if policy in GUARDS:
        names = {key.name for key in keys(policy)}
        every = (weaker_steps(), together_steps(), named_steps(), backend_steps())
        assert names & {key for steps in every for key in steps}


NETWORKS = st.builds(
    lambda at, bits: ip_network((0x0A000000 | (at >> (32 - bits) << (32 - bits)), bits)),
    st.integers(0, 31),
    st.integers(27, 32),
)
RULES = st.builds(
    AddressRules,
    allow=st.lists(NETWORKS, max_size=3).map(tuple),
    deny=st.lists(NETWORKS, max_size=3).map(tuple),
)


def let_in(rules: AddressRules) -> set[int]:
    """Which of 34 addresses may ask, looked up one by one."""
    out = set()
    for number in range(0x09FFFFFF, 0x0A000021):
        one = ip_network((number, 32))
        held = [any(one.subnet_of(r) for r in rs) for rs in (rules.allow, rules.deny)]  # type: ignore[arg-type] # all are IPv4
        if (held[0] or not rules.allow) and not held[1]:
            out.add(number)
    return out


@given(RULES, RULES)
def test_address_rules_are_weaker_where_one_address_more_may_ask(
    before: AddressRules, after: AddressRules
) -> None:
    assert bool(list(WEAKER["ip"](before, after))) == bool(let_in(after) - let_in(before))
