"""Tokens of an OpenID provider that nobody here wrote, through the whole gateway."""

import json
import shutil
from collections.abc import Iterator
from urllib.parse import unquote

import httpx
import jwt
import pytest

from tests.e2e import oidc
from tests.e2e.fleet import Fleet, until
from tests.e2e.oidc import Alg, Client, Issuer

pytestmark = pytest.mark.xdist_group("provider")

ROTATION_SECONDS = 5.0
"""How long a token of a new key may be refused: what issue 3 promises."""

OTHER = Client(id="bob-app", secret="another-secret-of-tests")  # noqa: S106 # lives in a test
GATEWAY = """\
version: 1
listen: {http: "127.0.0.1:@http@"}
identities:
  idp: {issuer: "@provider@", audience: shop}
  else: {issuer: "@provider@", audience: warehouse}
backends: {echo: "http://127.0.0.1:@echo@"}
routes:
  - path: /orders
    auth: idp
    to: echo
  - path: /orders/read
    auth: {anyOf: [idp], scopes: ["orders:read"]}
    to: echo
  - path: /orders/write
    auth: {anyOf: [idp], scopes: ["orders:read", "orders:write"]}
    to: echo
  - path: /warehouse
    auth: else
    to: echo
"""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    made = oidc.start(tmp_path_factory.mktemp("provider"), clients=(Client(), OTHER))
    yield made
    made.end()


@pytest.fixture(scope="module")
def fleet(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    text = GATEWAY.replace("@provider@", issuer.url)
    made = Fleet(tmp_path_factory.mktemp("fleet"), text)
    made.start("controlplane", "extauthz", "envoy")
    try:
        made.answers("/orders", 200, headers=bearer(issuer.token()))
        yield made
    finally:
        codes = made.end()
    assert set(codes.values()) == {0}, (codes, made.said)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def get(fleet: Fleet, path: str, token: str) -> httpx.Response:
    return httpx.get(fleet.base + path, headers=bearer(token), timeout=5)


def test_a_token_passes_and_the_upstream_is_told_whose_it_is(fleet: Fleet, issuer: Issuer) -> None:
    for client in (Client(), OTHER):
        answer = get(fleet, "/orders", issuer.token("orders:read orders:write", client=client))
        assert answer.status_code == 200
        told = dict(answer.json()["headers"])
        assert told["x-foregate-user"] == client.id
        scopes = unquote(told["x-foregate-scopes"]).split(" ")
        assert sorted(scopes) == ["orders:read", "orders:write"]
        assert "authorization" not in told


def test_without_the_scopes_it_is_403(fleet: Fleet, issuer: Issuer) -> None:
    tokens = [issuer.token(), issuer.token("orders:read"), issuer.token("orders:read orders:write")]
    passed = {
        path: [get(fleet, path, token).status_code for token in tokens]
        for path in ("/orders", "/orders/read", "/orders/write")
    }
    assert passed == {
        "/orders": [200, 200, 200],
        "/orders/read": [403, 200, 200],
        "/orders/write": [403, 403, 200],
    }
    said = get(fleet, "/orders/write", tokens[1]).headers["www-authenticate"]
    assert 'error="insufficient_scope"' in said
    assert "orders:write" in said


def test_a_token_for_another_audience_is_401(fleet: Fleet, issuer: Issuer) -> None:
    shop, warehouse = issuer.token(), issuer.token(audience="warehouse")
    assert get(fleet, "/warehouse", warehouse).status_code == 200
    assert get(fleet, "/orders", warehouse).status_code == 401
    assert get(fleet, "/warehouse", shop).status_code == 401
    assert get(fleet, "/orders", issuer.token(audience="nobody")).status_code == 401


def test_a_changed_token_is_401(fleet: Fleet, issuer: Issuer) -> None:
    head, body, signature = issuer.token("orders:read").split(".")
    claims = json.loads(jwt.utils.base64url_decode(body))
    more = json.dumps(claims | {"scope": "orders:read orders:write"}).encode()
    forged = f"{head}.{jwt.utils.base64url_encode(more).decode()}.{signature}"
    assert get(fleet, "/orders/read", f"{head}.{body}.{signature}").status_code == 200
    assert get(fleet, "/orders/read", forged).status_code == 401


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256"])
def test_a_new_key_passes_in_seconds_and_the_removed_one_no_more(
    fleet: Fleet, issuer: Issuer, alg: Alg
) -> None:
    old = issuer.token()
    assert get(fleet, "/orders", old).status_code == 200
    issuer.rotate(alg)
    new = issuer.token("orders:read")
    assert jwt.get_unverified_header(new)["alg"] == alg
    assert kid(new) != kid(old)
    until(
        "a token of the new key passes",
        lambda: get(fleet, "/orders/read", new).status_code == 200,
        ROTATION_SECONDS,
    )
    assert get(fleet, "/orders", old).status_code == 401
    assert get(fleet, "/orders/write", new).status_code == 403


def test_a_rotation_that_keeps_the_old_key_costs_no_request(fleet: Fleet, issuer: Issuer) -> None:
    old = issuer.token()
    issuer.rotate("ES256", keep=True)
    new = issuer.token()

    def passes() -> bool:
        assert get(fleet, "/orders", old).status_code == 200
        return get(fleet, "/orders", new).status_code == 200

    until("a token of the new key passes", passes, ROTATION_SECONDS)
    assert get(fleet, "/orders", old).status_code == 200


def test_without_the_provider_known_keys_go_on(fleet: Fleet, issuer: Issuer) -> None:
    """The last of this file: nothing starts the provider again."""
    known = issuer.token("orders:read")
    assert get(fleet, "/orders", known).status_code == 200
    assert issuer.process.child.poll() is None
    issuer.process.child.kill()
    issuer.process.child.wait()
    strange = jwt.encode(
        {"iss": issuer.url, "aud": "shop", "sub": "eve", "exp": 4_000_000_000},
        "a-secret-that-is-long-enough-for-hs256",
        headers={"kid": "unknown"},
    )
    assert get(fleet, "/orders", strange).status_code == 401
    for name in ("extauthz", "controlplane"):
        fleet.kill(name)
    shutil.rmtree(
        fleet.folder / "extauthz"
    )  # its last good: what is there now comes from the other
    fleet.start("controlplane", "extauthz")
    fleet.running["controlplane"].wait_for('"live"')
    fleet.answers("/orders", 200, headers=bearer(known))
    assert get(fleet, "/orders/read", known).status_code == 200
    assert get(fleet, "/orders/write", known).status_code == 403
