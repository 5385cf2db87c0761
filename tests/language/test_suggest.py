"""Did you mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language.suggest import nearest

KEYS = ("timeout", "retry", "perTry", "methods", "headers", "to", "outlierDetection", "backends")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("tiemout", "timeout"),  # two exchanged
        ("timeot", "timeout"),  # one too few
        ("timeoutt", "timeout"),  # one too many
        ("timaout", "timeout"),  # another
        ("Timeout", "timeout"),
        ("per_try", "perTry"),
        ("per-try", "perTry"),
        ("PERTRY", "perTry"),
        ("outlier_detektion", "outlierDetection"),
        ("method", "methods"),
        ("ot", "to"),
        ("timeoutMillis", "timeout"),  # one in the other
        ("detection", "outlierDetection"),
        ("banana", None),
        ("x", None),
        ("", None),
        ("timeout", None),  # it is none of its own suggestions
        ("timeout" + "t" * 1_000_000, None),  # whoever writes that meant something else
    ],
)
def test_the_nearest(word: str, meant: str | None) -> None:
    assert nearest(word, KEYS) == meant


def test_a_typing_error_is_nearer_than_a_word_within() -> None:
    assert nearest("order", ["order-service-v1", "odrer"]) == "odrer"


@given(st.permutations(["users1", "users2", "users3", "user"]))
def test_the_order_of_candidates_does_not_matter(names: list[str]) -> None:
    assert nearest("users", names) == "user"
    assert nearest("users9", names) == "users1"


@given(st.text(), st.lists(st.text()))
def test_a_suggestion_is_a_candidate(word: str, names: list[str]) -> None:
    found = nearest(word, names)
    assert found is None or (found in names and found != word)
