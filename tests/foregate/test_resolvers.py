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


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("::1", "'::1' is an IPv6 address without brackets: write \\[::1\\]:53"),
        ("10.0.0.1,fe80::1", "write \\[fe80::1\\]:53"),
        ("::1:53:x", "write an IPv6 address in brackets"),
        ("10.0.0.1:dns", "'dns' is not a port: write a number from 1 to 65535"),
    ],
)
def test_what_is_meant_is_told(written: str, told: str) -> None:
    with pytest.raises(click.ClickException, match=told):
        resolvers({"FOREGATE_DNS": written})


def test_an_address_in_brackets_is_taken() -> None:
    assert resolvers({"FOREGATE_DNS": "[::1]"}) == (Address(host="::1", port=53),)
