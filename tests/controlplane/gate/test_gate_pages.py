"""What a bug of ours would send in pages: each kind is stopped before any Envoy is asked."""

import asyncio

import pytest

from controlplane.gate.gate import Gate
from controlplane.gate.soundness import unsound
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed
from controlplane.snapshot import ROUTES
from foregate.parts import envoy
from tests.controlplane.gate.damage.damage import Damage
from tests.controlplane.gate.damage.of_pages import OF_PAGES, paged

MORE = {
    "dispatcher-to-the-wrong-page",
    "dispatcher-to-a-page-of-another-host",
    "dispatcher-with-a-users-route",
    "dispatcher-without-the-rest",
    "page-of-other-hosts",
    "page-lost",
    "scope-lost",
    "scope-to-another-page",
    "scope-of-another-name",
    "listener-of-one-page",
}
"""Damage by which another part is wrong too: what is not chosen, or chosen twice."""


def test_the_undamaged_is_sound() -> None:
    assert unsound(paged()) == ()
    assert len(paged().of(ROUTES)) > 5
    gate = Gate(envoy=envoy().path, bounds=Bounds(seconds=60))
    assert isinstance(asyncio.run(gate.prove(paged())), Passed)


@pytest.mark.parametrize("damage", OF_PAGES, ids=lambda damage: damage.name)
def test_damage(damage: Damage) -> None:
    found = unsound(damage.apply(paged()))
    blamed = {one.subject for one in found}
    assert damage.blamed in blamed, found
    assert blamed == {damage.blamed} or damage.name in MORE, found
