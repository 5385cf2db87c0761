"""Headers as they come, and what is written down of a check: logs, metrics, never a secret."""

from envoy.service.auth.v3.external_auth_pb2 import CheckRequest
from structlog.testing import capture_logs

from extauthz.service import METHOD
from tests.extauthz.checks import (
    admits,
    bench,
    denial,
    envoy_call,
    hash_of,
    served,
)
from tests.policies.auth_check.minting import (
    IDP,
    api_key,
    bearer,
    pipeline,
    signer,
)
from tests.policies.auth_check.minting import (
    KEYS as API_KEYS,
)

BOTH = pipeline(IDP, API_KEYS)
NAME = hash_of(BOTH)
GOOD = bearer(signer().token())


def test_headers_that_are_no_text_and_large_ones() -> None:
    ours = bench(*served(BOTH))
    noise = ("x-noise", b"\xff\xfe" * 30_000)
    assert admits(ours.check(envoy_call(NAME, noise, GOOD)))
    assert denial(ours.check(envoy_call(NAME, bearer(b"\xff" * 60_000)))) == (7, 401)
    assert denial(ours.check(envoy_call(NAME, api_key(b"\xff" * 60_000)))) == (7, 401)
    assert admits(ours.check(envoy_call(NAME, ("X-API-Key", b"acme-key"))))


def joined(**headers: str) -> CheckRequest:
    """A check as Envoy makes it without `encode_raw_headers`: lines of one name are joined."""
    call = envoy_call(NAME)
    call.attributes.request.http.ClearField("header_map")
    call.attributes.request.http.headers.update(
        {":path": "/a,b", **{k.replace("_", "-"): v for k, v in headers.items()}}
    )
    return call


def test_joined_headers_are_taken_apart() -> None:
    ours = bench(*served(BOTH))
    good = GOOD[1].decode()
    assert admits(ours.check(joined(authorization=good)))
    assert admits(ours.check(joined(x_api_key="acme-key", accept="a,b,c")))
    for value in ("acme-key,acme-key", "acme-key,", ",acme-key", "other,acme-key"):
        assert denial(ours.check(joined(x_api_key=value))) == (7, 400)
    assert denial(ours.check(joined(authorization=f"{good},{good}"))) == (7, 400)
    assert denial(ours.check(joined(authorization=f"Basic a,{good}"))) == (7, 400)


def test_joined_headers_beside_raw_ones_do_not_count() -> None:
    call = envoy_call(NAME)
    call.attributes.request.http.headers["authorization"] = GOOD[1].decode()
    assert denial(bench(*served(BOTH)).check(call)) == (7, 401)


CANARY = "canary-7f3a91"


def test_no_credential_is_ever_written_down() -> None:
    ours = bench(*served(BOTH, pipeline(IDP, API_KEYS, scopes=("none",))))
    eve = signer("eve")
    tokens = [
        signer().token({"sub": CANARY}),
        signer().token({"aud": CANARY}),
        signer().token({"iss": CANARY}),
        signer().token({"exp": 1, "sub": CANARY}),
        signer().token({"scope": CANARY, "other": CANARY}),
        signer().token(header={"kid": CANARY}),
        signer().token(header={"alg": CANARY}),
        eve.token({"sub": CANARY}),
        CANARY.encode(),
    ]
    seen = []
    with capture_logs() as logs:
        for name in (NAME, hash_of(pipeline(IDP, API_KEYS, scopes=("none",))), "0" * 64):
            for token in tokens:
                seen += [(token, ours.check(envoy_call(name, bearer(token))))]
                seen += [(token, ours.check(envoy_call(name, bearer(token), bearer(token))))]
            key = CANARY.encode()
            seen += [(key, ours.check(envoy_call(name, api_key(key), ("x-other", key))))]
    assert sum(admits(response) for _, response in seen) == 2
    faults = [log for log in logs if log["log_level"] == "warning"]
    assert len(faults) == 1  # an unknown pipeline: told once, and not for each request
    assert len(logs) - 1 == len(seen) - 2 - len(seen) // 3
    written = str(logs) + ours.metrics()
    for secret, response in seen:
        text = str(response) if not admits(response) else response.denied_response.body
        for part in (secret.decode(), *secret.decode().split("."), CANARY):
            assert part not in written
            assert part not in text


def test_denials_are_quiet_and_faults_are_not() -> None:
    ours = bench(*served(BOTH))
    with capture_logs() as logs:
        ours.check(envoy_call(NAME))
        ours.check(envoy_call(NAME, GOOD))
        ours.check(envoy_call("0" * 64))
    assert [(log["log_level"], log["reason"]) for log in logs] == [
        ("debug", "no_credentials"),
        ("warning", "unknown_pipeline"),
    ]


def test_decisions_are_counted_by_rule_reason_and_verdict() -> None:
    ours = bench(*served(BOTH))
    ours.check(envoy_call(NAME, GOOD, rule="r1"))
    ours.check(envoy_call(NAME, rule="r1"))
    ours.check(envoy_call("0" * 64, rule="made-up"))
    counted = {
        ("r1", "admitted", "allow"): 1,
        ("r1", "no_credentials", "deny"): 1,
        ("", "unknown_pipeline", "fault"): 1,
        ("made-up", "unknown_pipeline", "fault"): None,
    }
    for (rule, reason, verdict), count in counted.items():
        labels = {"rule": rule, "reason": reason, "verdict": verdict}
        assert ours.sample("foregate_extauthz_decisions_total", **labels) == count
    assert ours.sample("foregate_extauthz_check_seconds_count") == 3


def test_the_method_has_the_name_that_envoy_calls() -> None:
    assert METHOD.endswith("Authorization/Check")
