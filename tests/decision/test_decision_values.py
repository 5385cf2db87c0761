"""Principals cannot alias each other, and nothing but an admission admits."""

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision.principal import Principal
from decision.request import Request
from decision.verdict import NotADenialError, Verdict

ALICE = Principal(identity="idp", issuer="https://idp.example", subject="alice")

parts = st.tuples(*[st.text(alphabet='a1:,="\0', max_size=6)] * 3, st.booleans())


def principal(identity: str, issuer: str, name: str, token: bool) -> Principal:  # noqa: FBT001
    if token:
        return Principal(identity=identity, issuer=issuer, subject=name or "s")
    return Principal(identity=identity, issuer=issuer, consumer=name or "c")


@given(parts, parts)
def test_two_principals_never_share_a_key(
    one: tuple[str, str, str, bool], other: tuple[str, str, str, bool]
) -> None:
    first, second = principal(*one), principal(*other)
    assert (first.key == second.key) == (first == second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Principal(identity="a", subject="b"), Principal(identity="a", consumer="b")),
        (Principal(identity="a", issuer="b"), Principal(identity="ab")),
        (Principal(identity="a", subject="1:b,"), Principal(identity="a,1:b", subject="")),
    ],
)
def test_keys_of_near_principals_differ(one: Principal, other: Principal) -> None:
    assert one.key != other.key


def test_a_key_is_the_principal_alone() -> None:
    assert ALICE.key == replace(ALICE, scopes=("a",), consumer="acme").key
    assert ALICE.name == "alice"
    assert Principal(identity="keys", consumer="acme").name == "acme"


@pytest.mark.parametrize("status", [0, 200, 204, 302, 404, 500])
def test_a_verdict_is_a_denial(status: int) -> None:
    assert Verdict().principal is None
    assert Verdict().status == 403
    with pytest.raises(NotADenialError):
        Verdict(status=status)


def test_a_principal_cannot_be_given_to_the_constructor() -> None:
    with pytest.raises(TypeError):
        Verdict(principal=ALICE)  # type: ignore[call-arg]
    with pytest.raises((ValueError, TypeError)):
        replace(Verdict(), principal=ALICE)
    with pytest.raises(FrozenInstanceError):
        Verdict().principal = ALICE  # type: ignore[misc]


def test_only_a_principal_admits() -> None:
    for nobody in (None, "alice", True):
        with pytest.raises(NotADenialError):
            Verdict().admitted(nobody, remove=())  # type: ignore[arg-type]
    admission = Verdict(status=401, reason="no").admitted(ALICE, remove=("authorization",))
    assert (admission.status, admission.reason, admission.principal) == (200, "admitted", ALICE)
    assert admission.remove == ("authorization",)


def test_what_is_made_of_an_admission_is_a_denial_again() -> None:
    admission = Verdict().admitted(ALICE, remove=())
    with pytest.raises(NotADenialError):
        replace(admission, reason="other")
    assert replace(admission, status=503).fault
    assert not admission.fault


def test_a_request_keeps_lines_of_one_name() -> None:
    request = Request(
        method="GET",
        path="/?q",
        host="h",
        address="",
        headers=(("a", b"1"), ("b", b""), ("a", b"\xff")),
    )
    assert request.values("a") == (b"1", b"\xff")
    assert request.values("A") == ()
