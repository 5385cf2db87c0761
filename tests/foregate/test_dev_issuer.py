"""The demo issuer: whom it stands in for, what it signs, and that nothing but `dev` knows it."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from foregate.dev import issuer as module
from foregate.dev.issuer import (
    LIFETIME,
    Asked,
    Issuer,
    Server,
    demo_token,
    issuers_of,
    new_keys,
    published,
)
from tests.foregate.dev_processes import free_port

ROOT = Path(__file__).parents[2]
KEYS = new_keys()


@pytest.fixture(scope="module", params=["", "/realms/shop"])
def issuer(request: pytest.FixtureRequest) -> Iterator[Issuer]:
    (made,) = issuers_of([(f"http://127.0.0.1:{free_port()}{request.param}", "shop")])
    server = Server(made, KEYS)
    yield made
    server.end()


def verified(issuer: Issuer, token: str, audience: str = "shop") -> dict[str, object]:
    """As a gateway does it: discovery, keys, signature, claims."""
    found = httpx.get(f"{issuer.url}/.well-known/openid-configuration").json()
    assert found["issuer"] == issuer.url
    keys = jwt.PyJWKSet.from_dict(httpx.get(found["jwks_uri"]).json())
    head = jwt.get_unverified_header(token)
    claims: dict[str, object] = jwt.decode(
        token,
        keys[head["kid"]],
        algorithms=[head["alg"]],
        audience=audience,
        issuer=issuer.url,
        options={"require": ["exp", "iat", "sub", "jti"]},
    )
    return claims


def test_issuers_on_this_machine_are_chosen() -> None:
    chosen = issuers_of(
        [
            ("http://127.0.0.1:9000", "shop"),
            ("http://localhost:9001/a/", "shop"),
            ("http://127.0.0.1:9000", "admin"),
            ("http://127.0.0.1:9000", "shop"),
        ]
    )
    assert chosen == (
        Issuer(
            url="http://127.0.0.1:9000",
            host="127.0.0.1",
            port=9000,
            path="",
            audiences=("shop", "admin"),
        ),
        Issuer(
            url="http://localhost:9001/a/",
            host="localhost",
            port=9001,
            path="/a",
            audiences=("shop",),
        ),
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:9000",
        "http://127.0.0.1",
        "http://10.0.0.1:9000",
        "http://idp.example.com:9000",
        "http://localhost.example.com:9000",
        "http://user@127.0.0.1:9000",
        "http://127.0.0.1:9000?x=y",
        "http://127.0.0.1:99999",
        "http://0.0.0.0:9000",
        "127.0.0.1:9000",
        "",
    ],
)
def test_all_others_are_left_to_those_whose_they_are(url: str) -> None:
    assert issuers_of([(url, "shop")]) == ()


@pytest.mark.parametrize("key", KEYS, ids=lambda k: str(k.alg))
def test_a_token_says_what_was_asked(key: module.SigningKey) -> None:
    asked = Asked(subject="ann", audience="shop", scope="a b")
    token = demo_token(key, "http://127.0.0.1:1", asked, 1_000)
    claims = jwt.decode(token, options={"verify_signature": False})
    jti = claims.pop("jti")
    assert len(jti) == 16
    assert claims == {
        "iss": "http://127.0.0.1:1",
        "sub": "ann",
        "client_id": "ann",
        "aud": "shop",
        "scope": "a b",
        "iat": 1_000,
        "exp": 1_000 + LIFETIME,
    }
    head = {"alg": key.alg, "kid": key.kid, "typ": "at+jwt"}
    assert jwt.get_unverified_header(token) == head


def test_no_private_part_is_published() -> None:
    for key in published(KEYS)["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)
        assert {"kid", "alg", "use", "kty"} <= set(key)


@pytest.mark.parametrize("alg", ["RS256", "EdDSA"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_over_http_verifies_with_the_published_keys(
    issuer: Issuer, method: str, alg: str
) -> None:
    asked = {"sub": "ann", "scope": "orders:read", "alg": alg}
    where = {"params": asked} if method == "GET" else {"data": asked}
    answer = httpx.request(method, f"{issuer.url}/token", **where)  # type: ignore[arg-type] # either
    assert answer.headers["cache-control"] == "no-store"
    token = answer.text.strip()  # what a shell wants
    if method == "POST":
        said = answer.json()
        assert (said["token_type"], said["expires_in"]) == ("Bearer", LIFETIME)
        assert said["scope"] == "orders:read"
        token = said["access_token"]
    claims = verified(issuer, token)
    assert (claims["sub"], claims["scope"]) == ("ann", "orders:read")


def test_another_audience_can_be_asked_for(issuer: Issuer) -> None:
    token = httpx.get(f"{issuer.url}/token", params={"aud": "else"}).text.strip()
    assert verified(issuer, token, "else")["sub"] == "demo"
    with pytest.raises(jwt.InvalidAudienceError):
        verified(issuer, token)


def test_what_it_does_not_answer(issuer: Issuer) -> None:
    assert httpx.get(f"{issuer.url}/token", params={"alg": "none"}).status_code == 400
    assert httpx.get(f"{issuer.url}/else").status_code == 404
    assert httpx.post(f"{issuer.url}/token", content=b"x" * 70_000).status_code == 413
    rebound = httpx.get(f"{issuer.url}/token", headers={"host": "evil.example.com"})
    assert rebound.status_code == 421


def test_the_child_serves_what_stdin_says_and_ends_with_it() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    one, other = free_port(), taken.getsockname()[1]
    script = str(ROOT / "foregate" / "dev" / "issuer.py")
    with subprocess.Popen(
        [sys.executable, "-I", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def tell(*urls: str) -> list[list[str]]:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps([[u, "shop"] for u in urls]) + "\n")
            child.stdin.flush()
            answer: list[list[str]] = json.loads(child.stdout.readline())
            return answer

        mine = f"http://127.0.0.1:{one}"
        failed = tell(mine, f"http://127.0.0.1:{other}")
        assert [url for url, _ in failed] == [f"http://127.0.0.1:{other}"]
        kids = [k["kid"] for k in httpx.get(f"{mine}/jwks").json()["keys"]]
        assert tell(mine) == []
        assert [k["kid"] for k in httpx.get(f"{mine}/jwks").json()["keys"]] == kids
        assert tell() == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{mine}/jwks")
        child.stdin.close()
        assert child.wait(10) == 0
    taken.close()


def test_nothing_but_dev_can_start_it() -> None:
    """It gives tokens to whoever asks: no server of ours may come near it."""
    packages = ("controlplane", "extauthz", "ratelimit", "serving", "policies", "foregate")
    near = [
        str(path.relative_to(ROOT))
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if "dev.issuer" in path.read_text() or "issuer.py" in path.read_text()
    ]
    assert all(path.startswith("foregate/dev/") for path in near), near
    assert "dev.issuer" not in (ROOT / "docker-compose.yml").read_text()
