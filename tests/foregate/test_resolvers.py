"""The operator's name servers."""

import click
import pytest

from controlplane.model.addresses import Address
from foregate.resolvers import resolvers


def test_none_are_those_of_the_machine() -> None:
    assert resolvers({}) == resolvers({"FOREGATE_DNS": ""}) == ()


def test_several_are_the_same_objects_each_time() -> None:
    """What is compiled with them is not compiled again."""
    asked = {"FOREGATE_DNS": "10.0.0.53, 10.0.0.54:5353"}
    found = resolvers(asked)
    assert found == (Address(host="10.0.0.53", port=53), Address(host="10.0.0.54", port=5353))
    assert resolvers(asked) is found


def test_a_name_is_refused() -> None:
    with pytest.raises(click.ClickException, match="FOREGATE_DNS: 'dns' is no address"):
        resolvers({"FOREGATE_DNS": "dns"})
