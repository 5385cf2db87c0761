"""Whom the words of Envoy blame."""

import pytest

from controlplane.snapshot import CLUSTER, LISTENER, ROUTES
from controlplane.xds.refusal import blamed


@pytest.mark.parametrize("type_url", [CLUSTER, LISTENER])
def test_words_of_envoy_name_who_is_to_blame(type_url: str) -> None:
    kind = "cluster" if type_url == CLUSTER else "listener"
    words = f"Error adding/updating {kind}(s) bad1: malformed IP address: x, bad2: no"
    assert blamed(type_url, words, ["bad1", "bad2", "a", "no", "x"]) == {"bad1", "bad2"}


def test_other_words_blame_nobody() -> None:
    assert blamed(CLUSTER, "something else about a: b", ["a"]) == frozenset()
    assert blamed(ROUTES, "Error adding/updating cluster(s) a: no", ["a"]) == frozenset()
