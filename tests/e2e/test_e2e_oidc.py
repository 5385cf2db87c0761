"""The provider of the tests is a real one: discovery, tokens that verify, keys that rotate."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from tests.e2e import oidc
from tests.e2e.oidc import Alg, Client, Issuer
from tools.parts import MissingError

ALGS: tuple[Alg, ...] = ("RS256", "ES256", "EdDSA")
OTHER = Client(id="bob-app", secret="another-secret-of-tests")  # noqa: S106 # lives in a test


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    made = oidc.start(tmp_path_factory.mktemp("issuer"), clients=(Client(), OTHER), lifetime=60)
    yield made
    made.end()


def jwks(issuer: Issuer) -> jwt.PyJWKSet:
    found = issuer.http.get(f"{issuer.url}/.well-known/openid-configuration").json()
    return jwt.PyJWKSet.from_dict(issuer.http.get(found["jwks_uri"]).json())


def verified(issuer: Issuer, token: str, audience: str = "shop") -> dict[str, object]:
    head = jwt.get_unverified_header(token)
    key = jwks(issuer)[head["kid"]]
    claims: dict[str, object] = jwt.decode(
        token, key, algorithms=[head["alg"]], audience=audience, issuer=issuer.url
    )
    return claims


def test_a_token_has_the_scopes_and_the_audience_that_were_asked_for(issuer: Issuer) -> None:
    token = issuer.token("orders:read", "shop")
    claims = verified(issuer, token)
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert (claims["sub"], claims["client_id"]) == ("shop-app", "shop-app")
    assert (claims["scope"], claims["aud"]) == ("orders:read", "shop")
    made, ends = claims["iat"], claims["exp"]
    assert isinstance(made, int)
    assert isinstance(ends, int)
    assert ends - made == 60
    assert "scope" not in verified(issuer, issuer.token(audience="else"), "else")
    assert verified(issuer, issuer.token(client=OTHER))["sub"] == "bob-app"


def test_it_grants_nothing_that_nobody_has(issuer: Issuer) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        issuer.token(client=Client(secret="wrong"))  # noqa: S106 # that is the point
    assert "scope" not in verified(issuer, issuer.token("orders:steal"))


@pytest.mark.parametrize("alg", ALGS)
def test_a_rotated_key_is_new_and_the_old_one_gone(issuer: Issuer, alg: Alg) -> None:
    old = issuer.token()
    kid = issuer.rotate(alg)
    new = issuer.token()
    assert jwt.get_unverified_header(new) == {"alg": alg, "typ": "at+jwt", "kid": kid}
    verified(issuer, new)
    with pytest.raises(KeyError):
        verified(issuer, old)


def test_a_rotation_that_keeps_old_keys_verifies_old_tokens(issuer: Issuer) -> None:
    old = issuer.token()
    kid = issuer.rotate("ES256", keep=True)
    assert jwt.get_unverified_header(old)["kid"] != kid
    verified(issuer, old)
    assert jwt.get_unverified_header(issuer.token())["kid"] == kid


def test_no_private_part_is_published(issuer: Issuer) -> None:
    published = issuer.http.get(f"{issuer.url}/jwks").json()["keys"]
    assert published
    assert not {"d", "p", "q", "dp", "dq", "qi"} & {name for key in published for name in key}


def test_without_npm_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match="npm is missing"):
        oidc.installed(tmp_path / "parts")
