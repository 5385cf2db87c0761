"""Which hosts are this machine: strictly to be trusted with http, widely to be kept from."""

import pytest

from controlplane.keyring.urls import is_here, may_be_here


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_here_in_any_sense(host: str) -> None:
    assert is_here(f"http://{host}:1/x")
    assert may_be_here(f"http://{host}:1/x")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost.", "LOCALHOST.", "a.localhost", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]"),  # noqa: S104 # not bound
        *("127.1", "2130706433", "0x7f000001"),
    ],
)
def test_another_spelling_is_trusted_with_nothing(host: str) -> None:
    assert not is_here(f"http://{host}/x")
    assert may_be_here(f"https://{host}/x")


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "localhost.example", "[2001:db8::1]"])
def test_elsewhere(host: str) -> None:
    assert not is_here(f"https://{host}/x")
    assert not may_be_here(f"https://{host}/x")
