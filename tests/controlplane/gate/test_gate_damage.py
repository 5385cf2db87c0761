"""What a bug of ours would send: each kind is stopped, and the line that it comes from is shown."""

import asyncio

import pytest

from controlplane.gate.gate import Gate
from controlplane.gate.soundness import mistakes_of, unsound
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed, Refused, lines_of, mistakes
from controlplane.snapshot import Snapshot
from foregate.parts import envoy
from language.places import Place
from tests.controlplane.gate.damage.corpus import DAMAGES
from tests.controlplane.gate.damage.damage import Damage
from tests.controlplane.gate.damage.example import WHOLE, good

GATE = Gate(envoy=envoy().path, bounds=Bounds(seconds=60))
ORIGIN = Place("nowhere.yaml", 1, 1)

MORE = {"cluster-misnamed"}
"""Damage by which another part is wrong too."""

LINELESS = {"cluster-misnamed", "two-listeners", "scope-of-another-key"}
LINELESS |= {"scope-of-no-table", "table-of-nobody"}
"""Damage that adds what no line has produced."""


def prove(snapshot: Snapshot) -> object:
    return asyncio.run(GATE.prove(snapshot))


def test_the_undamaged_is_sound() -> None:
    assert unsound(good()) == ()
    assert prove(good()).__class__ is Passed


def test_there_are_many_kinds() -> None:
    assert len({one.name for one in DAMAGES}) == len(DAMAGES) >= 60


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_damage(damage: Damage) -> None:
    damaged = damage.apply(good())
    places = lines_of(damage.blamed, WHOLE.provenance)
    assert bool(places) == (damage.name not in LINELESS)
    found = unsound(damaged)
    if found:
        blamed = {one.subject for one in found}
        assert damage.blamed in blamed
        assert blamed == {damage.blamed} or damage.name in MORE, found
        told = mistakes_of(found, WHOLE.provenance, ORIGIN)
    else:
        verdict = prove(damaged)
        assert isinstance(verdict, Refused), "neither we nor Envoy say anything"
        assert [(len(one.certain), one.among) for one in verdict.causes] == [(1, ())]
        told = mistakes(verdict, WHOLE.provenance, ORIGIN)
    assert (places or (ORIGIN,))[0] in [one.place for one in told]
