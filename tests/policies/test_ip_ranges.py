"""Address ranges: how they are read, and which of them holds another."""

from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language.decode import Decoder, Refused
from language.nodes import Scalar
from policies.ip.ranges import Network, Range, Ranges, mapped, shown

DECODER: Decoder[Network] = Decoder(Range)

networks = st.builds(
    lambda number, length: IPv4Network(f"{number}/{length}", strict=False),
    st.ip_addresses(v=4),
    st.integers(0, 32),
) | st.builds(
    lambda number, length: IPv6Network(f"{number}/{length}", strict=False),
    st.ip_addresses(v=6),
    st.integers(0, 128),
)


def read(text: str) -> Network | Refused:
    return DECODER.decode("f", Scalar(text, 1, 1, quoted=False), None)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10.0.0.1/8", "write 10.0.0.0/8, or 10.0.0.1 if you mean this address alone"),
        ("2001:db8::1/32", "write 2001:db8::/32, or 2001:db8::1 if you mean this address alone"),
        ("10.1.*.*", "write 10.1.0.0/16"),
        ("10.*", "write 10.0.0.0/8"),
        ("10.0.0.1:80", "clients' ports mean nothing: write 10.0.0.1"),
        ("[::1]:80", "clients' ports mean nothing: write ::1"),
        ("::ffff:10.0.0.0/104", "write 10.0.0.0/8"),
        ("::ffff:10.0.0.1", "write 10.0.0.1"),
        ("10.0.0.0/33", "write /0 to /32"),
        ("::/129", "write /0 to /128"),
        ("10.0.0.0/255.0.0.0", "write /0 to /32"),
        ("10.0.0.0/08", "write /0 to /32"),
        ("10.0.0.0/", "write /0 to /32"),
        ("fe80::1%eth0", "leave the % out"),
        ("example.com", "write an address such as 10.0.0.1, or a range such as 10.0.0.0/8"),
        ("10.0.0.01", "write an address such as 10.0.0.1, or a range such as 10.0.0.0/8"),
        ("10.0.0.0-10.0.0.9", "write an address such as 10.0.0.1, or a range such as 10.0.0.0/8"),
        ("999.*", "write an address such as 10.0.0.1, or a range such as 10.0.0.0/8"),
    ],
)
def test_what_is_no_range_is_told_what_was_meant(text: str, hint: str) -> None:
    found = read(text)
    assert isinstance(found, Refused)
    assert [m.hint for m in found.mistakes] == [hint]


@given(networks)
def test_a_range_reads_as_it_is_shown(network: Network) -> None:
    found = read(shown(network))
    if network.version == 6 and network.subnet_of(ip_network("::ffff:0:0/96")):
        assert isinstance(found, Refused)
    else:
        assert found == network


@given(st.lists(networks, max_size=8), networks)
def test_the_widest_that_holds_another(some: list[Network], wanted: Network) -> None:
    holding = [n for n in some if _within(wanted, n)]
    widest = min(holding, key=lambda n: n.prefixlen, default=None)
    assert Ranges(some).holding(wanted) == widest
    wider = [n for n in holding if n != wanted]
    assert Ranges(some).holding(wanted, wider=True) == min(
        wider, key=lambda n: n.prefixlen, default=None
    )


@given(networks)
def test_an_ipv4_range_has_one_form_in_ipv6(network: Network) -> None:
    six = mapped(network)
    assert (six is None) == (network.version == 6)
    if six is not None:
        assert isinstance(six, IPv6Network)
        assert six.network_address.ipv4_mapped == network.network_address
        assert six.num_addresses == network.num_addresses


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)
