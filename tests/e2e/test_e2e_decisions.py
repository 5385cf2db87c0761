"""Who may pass and how much, through a real Envoy, both services and a real Redis."""

import socket
import time
from collections.abc import Iterator

import httpx
import jwt
import pytest

from tests.e2e.decided import ACME, BOB, EC, ED, FOREIGN, GATEWAY, RSA, token
from tests.e2e.fleet import Fleet


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("fleet"), GATEWAY)
    made.start("redis", "controlplane", "extauthz", "ratelimit", "envoy")
    try:
        made.answers("/open", 200)
        made.answers("/key", 200, headers={"x-api-key": ACME})
        yield made
    finally:
        codes = made.end()
    assert set(codes.values()) == {0}, (codes, made.said)
    said = "\n".join(made.said)
    assert ACME not in said
    assert BOB not in said
    assert token() not in said


@pytest.fixture(scope="module")
def http(fleet: Fleet) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fleet.base, timeout=10) as client:
        yield client


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def arrived(answer: httpx.Response) -> dict[str, str]:
    return dict(answer.json()["headers"])


def is_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == status
    assert said["rule"].startswith("r-")
    assert said["requestId"]


def test_nobody_passes_without_a_credential(http: httpx.Client) -> None:
    for path in ("/token", "/key", "/any", "/all", "/scoped", "/answer", "/moved", "/by-user"):
        answer = http.get(path)
        is_problem(answer, 401)
        assert "www-authenticate" in answer.headers


@pytest.mark.parametrize(
    ("key", "alg", "kid"), [(ED, "EdDSA", "ed"), (EC, "ES256", "ec"), (RSA, "RS256", "rsa")]
)
def test_a_good_token_passes(http: httpx.Client, key: object, alg: str, kid: str) -> None:
    answer = http.get("/token", headers=bearer(token(key, alg, kid, scope="a:b c")))
    assert answer.status_code == 200, answer.text
    found = arrived(answer)
    assert found["x-foregate-user"] == "ann"
    assert found["x-foregate-scopes"] == "a%3Ab c"
    assert "authorization" not in found


BAD = {
    "expired": token(exp=1),
    "without exp": token(exp=None),
    "not yet": token(nbf=3_999_999_999),
    "of the future": token(iat=3_999_999_999),
    "of another issuer": token(iss="https://other.example"),
    "for another audience": token(aud="other"),
    "without audience": token(aud=None),
    "without subject": token(sub=None),
    "by a foreign key": token(FOREIGN),
    "by an unknown key": token(FOREIGN, kid="foreign"),
    "under another key's id": token(ED, kid="rsa"),
    "unsigned": jwt.encode({"iss": "https://own.example", "sub": "ann"}, "", "none"),
    "symmetric": jwt.encode({"iss": "https://own.example", "sub": "a"}, "x" * 64, "HS256"),
    "of an algorithm that is not listed": token(RSA, "RS512", "rsa"),
    "no token": "abc",
    "empty parts": "..",
    "padded": token() + "=",
    "two": token() + " " + token(),
    "huge": token(x="y" * 20_000),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_token_is_refused(http: httpx.Client, what: str) -> None:
    for path in ("/token", "/any", "/all"):
        answer = http.get(path, headers=bearer(BAD[what]))
        is_problem(answer, 401)
    answer = http.get("/any", headers={**bearer(BAD[what]), "x-api-key": ACME})
    is_problem(answer, 401)  # the first whose credential is there decides alone


def test_a_key_of_a_consumer_passes(http: httpx.Client) -> None:
    answer = http.get("/key", headers={"x-api-key": BOB})
    assert answer.status_code == 200
    found = arrived(answer)
    assert found["x-foregate-consumer"] == "bob"
    assert found["x-foregate-user"] == "bob"
    assert "x-api-key" not in found


@pytest.mark.parametrize("key", ["", "x", BOB + "x", BOB[:-1], BOB.upper(), f"{BOB},{ACME}"])
def test_another_key_does_not(http: httpx.Client, key: str) -> None:
    answer = http.get("/key", headers={"x-api-key": key})
    assert answer.status_code in (400, 401), answer.text


def test_a_key_of_another_identity_does_not(http: httpx.Client) -> None:
    assert http.get("/key", headers={"x-api-key": ACME + "-kept"}).status_code == 401
    assert http.get("/kept", headers={"x-kept-key": ACME}).status_code == 401


def test_a_forwarded_credential_arrives(http: httpx.Client) -> None:
    answer = http.get("/kept", headers={"x-kept-key": ACME + "-kept", "x-api-key": "other"})
    assert answer.status_code == 200
    assert arrived(answer)["x-kept-key"] == ACME + "-kept"
    assert "x-api-key" not in arrived(answer)


def test_all_of_them_must_pass(http: httpx.Client) -> None:
    good, key = bearer(token()), {"x-api-key": BOB}
    assert http.get("/all", headers=good).status_code == 401
    assert http.get("/all", headers=key).status_code == 401
    answer = http.get("/all", headers=good | key)
    assert answer.status_code == 200
    assert arrived(answer)["x-foregate-user"] == "ann"


def test_scopes_bind_whoever_was_admitted(http: httpx.Client) -> None:
    for headers in ({"x-api-key": BOB}, bearer(token()), bearer(token(scope="orders:readall"))):
        answer = http.get("/scoped", headers=headers)
        is_problem(answer, 403)
    assert http.get("/scoped", headers={"x-api-key": ACME}).status_code == 200
    assert http.get("/scoped", headers=bearer(token(scope="x orders:read"))).status_code == 200
    challenge = http.get("/scoped", headers=bearer(token())).headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="orders:read"' in challenge


def test_two_credentials_of_a_kind_are_a_bad_request(http: httpx.Client) -> None:
    twice = [("x-api-key", ACME), ("x-api-key", ACME)]
    assert http.get("/key", headers=twice).status_code == 400
    tokens = [("authorization", f"Bearer {token()}")] * 2
    assert http.get("/token", headers=tokens).status_code == 400
    assert http.get("/token", headers=bearer(f"{token()},{token()}")).status_code == 400


def test_identity_headers_of_a_client_never_arrive(http: httpx.Client) -> None:
    spoofed = {
        "x-foregate-user": "root",
        "X-Foregate-Consumer": "root",
        "x-foregate-scopes": "all",
        "x-foregate-anything": "1",
    }
    assert not [n for n in arrived(http.get("/open", headers=spoofed)) if "foregate" in n]
    found = arrived(http.get("/key", headers={**spoofed, "x-api-key": BOB}))
    assert found["x-foregate-user"] == "bob"
    assert "x-foregate-anything" not in found
    assert found.get("x-foregate-scopes", "") == ""


def test_answers_and_redirects_are_guarded_too(http: httpx.Client) -> None:
    assert http.get("/answer", headers={"x-api-key": BOB}).text == "secret"
    assert http.get("/moved", headers={"x-api-key": BOB}).status_code == 302
    assert "location" not in http.get("/moved").headers


def test_bytes_that_are_no_text(fleet: Fleet) -> None:
    for value in (b"\xff\xfe", b"Bearer \xff\xff.\xff.\xff", b"Bearer " + b"a" * 50_000):
        for header in (b"authorization", b"x-api-key"):
            with socket.create_connection(("127.0.0.1", fleet.ports["http"]), timeout=10) as one:
                head = b"GET /any HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
                one.sendall(head + header + b": " + value + b"\r\n\r\n")
                said = b"".join(iter(lambda: one.recv(65536), b""))
            assert said.split(b" ")[1] in (b"400", b"401", b"431"), said[:200]


def test_headers_and_bodies_over_the_bounds(http: httpx.Client) -> None:
    answer = http.get("/any", headers={"x-big": "x" * 61_500, "x-api-key": BOB})
    assert answer.status_code == 431
    answer = http.post("/any", content=b"x" * (8 * 2**20 + 1), headers={"x-api-key": BOB})
    assert answer.status_code == 413
    answer = http.post("/any", content=b"x" * (5 * 2**20))
    assert answer.status_code == 401


def test_addresses(http: httpx.Client, fleet: Fleet) -> None:
    is_problem(http.get("/inside"), 403)
    assert http.get("/inside", headers={"x-forwarded-for": "10.1.1.1"}).status_code == 403
    assert http.get("/here").status_code == 200
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=fleet.base, transport=transport) as other:
        assert other.get("/here").status_code == 403


def from_address(fleet: Fleet, address: str) -> httpx.Client:
    return httpx.Client(base_url=fleet.base, transport=httpx.HTTPTransport(local_address=address))


def test_a_limit_by_address(fleet: Fleet) -> None:
    with from_address(fleet, "127.0.0.3") as one, from_address(fleet, "127.0.0.4") as two:
        assert [one.get("/by-ip").status_code for _ in range(3)] == [200, 200, 429]
        answer = one.get("/by-ip", headers={"x-forwarded-for": "1.2.3.4"})
        is_problem(answer, 429)
        assert int(answer.headers["retry-after"]) > 1000
        assert answer.headers["ratelimit"].startswith('"ip-h";r=0;t=')
        assert answer.headers["ratelimit-policy"].startswith('"ip-h";q=1;w=3600')
        assert two.get("/by-ip").status_code == 200


def test_a_limit_by_user(http: httpx.Client) -> None:
    stamp = str(time.time())
    same = bearer(token(sub=stamp))
    assert [http.get("/by-user", headers=same).status_code for _ in range(3)] == [200, 200, 429]
    assert http.get("/by-user", headers=bearer(token(sub=stamp + "x"))).status_code == 200
    assert http.get("/by-user", headers={"x-api-key": BOB}).status_code == 200
    assert http.get("/by-user", headers=bearer(token(sub="bob"))).status_code == 200


def test_a_refused_credential_is_not_charged(http: httpx.Client) -> None:
    for _ in range(5):
        assert http.get("/by-consumer", headers={"x-api-key": "no"}).status_code == 401
    codes = [http.get("/by-consumer", headers={"x-api-key": ACME}).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert http.get("/by-consumer", headers={"x-api-key": BOB}).status_code == 200


def test_several_limits_of_a_route(http: httpx.Client) -> None:
    assert [http.get("/by-route").status_code for _ in range(4)] == [200, 200, 429, 429]


def test_an_unlimited_route_is_not_limited(http: httpx.Client) -> None:
    assert {http.get("/open").status_code for _ in range(50)} == {200}
