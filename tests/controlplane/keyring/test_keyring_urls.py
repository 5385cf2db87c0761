"""Which URLs are fetched from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.keyring.urls import host, metadata_url, unfit, unfit_issuer


@pytest.mark.parametrize(
    "url",
    [
        *("https://idp.example.com/keys?x=1", "https://10.0.0.1:8443/", "http://localhost:1/a"),
        *("http://127.0.0.1/", "http://127.9.9.9:80/", "http://[::1]:8080/keys"),
    ],
)
def test_a_sound_url(url: str) -> None:
    assert unfit(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        *("", "idp.example.com", "ftp://idp/", "file:///etc/passwd", "https://", "https:///keys"),
        *("http://idp.example.com/", "http://10.0.0.1/", "http://[::2]/", "http://localhost.x/"),
        *("http://127.0.0.1.example.com/", "http://localhost@idp/", "https://u:p@idp/keys"),
        *("http://127.1/", "http://0.0.0.0/", "https://idp:x/", "https://i\ndp/"),
        "https://idp/" + "a" * 2048,
    ],
)
def test_an_unsound_url(url: str) -> None:
    assert unfit(url)


def test_where_the_metadata_of_an_issuer_is() -> None:
    known = "https://idp/.well-known/openid-configuration"
    assert (metadata_url("https://idp"), metadata_url("https://idp/")) == (known, known)
    assert metadata_url("https://idp/a/").startswith("https://idp/a/.well-known/")
    assert unfit_issuer("https://idp/a") == ""
    assert unfit_issuer("https://idp/?a")
    assert unfit_issuer("https://idp/#a")


@given(st.text() | st.text().map("https://{}".format) | st.text().map("http://{}".format))
def test_no_url_is_too_strange(url: str) -> None:
    assert isinstance(unfit(url), str)
    assert isinstance(host(url), str)
    assert isinstance(unfit_issuer(url), str)
