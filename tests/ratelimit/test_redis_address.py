"""Redis URLs, and what of them may be seen."""

import pytest

from ratelimit.stores.address import Address, AddressError, address


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("redis://", Address()),
        ("redis://one:7000/3", Address(host="one", port=7000, database=3)),
        ("redis://[::1]:7000", Address(host="::1", port=7000)),
        ("redis://:p%40ss@one", Address(host="one", password="p@ss")),  # noqa: S106 # read back
        ("rediss://me:pw@one", Address(host="one", tls=True, user="me", password="pw")),  # noqa: S106 # as above
        (
            "rediss://one?ssl_ca_certs=/etc/ca.pem&db=2",
            Address(host="one", tls=True, authorities="/etc/ca.pem", database=2),
        ),
        ("unix:///run/redis.sock?db=1", Address(path="/run/redis.sock", database=1)),
    ],
)
def test_what_a_url_says(url: str, read: Address) -> None:
    assert address(url) == read


@pytest.mark.parametrize(
    "url",
    [
        "http://secret",
        "secret",
        "redis://one:secret",
        "redis://one:99999",
        "redis://one/secret",
        "redis://one?secret=1",
        "redis://one#secret",
        "unix://",
        "redis://[secret",
    ],
)
def test_what_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        address(url)
    assert "secret" not in str(caught.value)


def test_a_password_is_in_no_words() -> None:
    one = address("redis://me:hunter2@one/1")
    assert "hunter2" not in repr(one) + str(one)
