"""What a file is told of a key is what whoever verifies tokens makes of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.auth.keys import parse
from policies.auth.public_keys import wrong
from tests.policies.auth_check.minting import signer

KEYS = [signer().jwk(kid="a"), signer("ed", "EdDSA").jwk(kid="a"), signer("rs", "RS256").jwk()]
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "use": st.sampled_from(["sig", "enc", ""]),
        "key_ops": st.sampled_from([["verify"], ["sign"], [], "verify"]),
        "alg": st.sampled_from(["ES256", "RS256", "EdDSA", "RSA-OAEP"]),
        "kid": st.sampled_from(["b", ""]),
        "crv": st.sampled_from(["P-256", "P-384", "Ed25519", "X25519"]),
        "x": st.sampled_from(["AAAA", "A" * 43, "=", "", "é"]),
        "y": st.sampled_from(["AAAA", "A" * 43]),
        "n": st.sampled_from(["AQAB", "x" * 300]),
        "e": st.sampled_from(["AQAB", "Ag", "AQ", "A"]),
    },
)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key["kty"]))
def test_a_sound_key_is_not_wrong(key: dict[str, object]) -> None:
    assert wrong(key) is None


@given(key=st.sampled_from(KEYS), changes=CHANGES)
def test_both_say_the_same(key: dict[str, object], changes: dict[str, object]) -> None:
    changed = {**key, **changes}
    if changed["kty"] == "RSA":
        changed.pop("crv", None)  # which no RSA key has: a file is not told of members too many
    assert (wrong(changed) is None) == bool(parse(json.dumps({"keys": [changed]}).encode()))
