"""What a bug of ours would send: each kind is stopped, and the line that it comes from is shown.

Every kind is tried in one table and in pages; some only pages can have.
"""

import asyncio
from collections.abc import Sequence

import pytest

from controlplane.gate.enforcement import unenforced
from controlplane.gate.gate import Gate
from controlplane.gate.placement import Unsound
from controlplane.gate.soundness import mistakes_of, unsound
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed, Refused, lines_of, mistakes
from controlplane.snapshot import Snapshot
from foregate.parts import envoy
from language.places import Place
from tests.controlplane.gate.damage.corpus import DAMAGES, OF_PAGES_ALONE
from tests.controlplane.gate.damage.damage import Damage
from tests.controlplane.gate.damage.layouts import PAGES, PLAIN, Laid

GATE = Gate(envoy=envoy().path, bounds=Bounds(seconds=60))
ORIGIN = Place("nowhere.yaml", 1, 1)
IN_EITHER = [
    pytest.param(one, laid, id=f"{one.name}-{laid.name}")
    for one in DAMAGES
    for laid in (PLAIN, PAGES)
    if laid is PLAIN or not one.plain_alone
]
IN_PAGES = [pytest.param(one, PAGES, id=one.name) for one in OF_PAGES_ALONE]

MORE = {
    *("cluster-misnamed", "routes-turned-around"),
    *("no-host-without-its-match", "no-host-of-nothing", "no-host-let-in"),
}
"""Damage by which another part is wrong too: other routes, or the host that is not guarded."""

MORE_IN_PAGES = MORE | {
    *("dispatcher-to-the-wrong-page", "dispatcher-to-a-page-of-another-host"),
    *("dispatcher-with-a-users-route", "dispatcher-without-the-rest", "page-of-other-hosts"),
    *(
        "page-lost",
        "page-lost-with-its-way",
        "scope-lost",
        "scope-to-another-page",
        "scope-of-another-name",
    ),
    *("listener-of-one-page", "table-in-the-listener", "scopes-that-are-not"),
    *("listener-without-http", "listener-with-a-filter-of-nobody", "listener-without-chain"),
    *("listener-in-pieces", "host-without-domains", "domain-with-a-star-in-the-middle"),
    *("table-without-hosts", "table-of-nobody"),
}
"""The same in pages: what is not chosen, or chosen twice, or looked for by nobody."""

LINELESS = {"cluster-misnamed", "two-listeners", "scope-of-another-key"}
LINELESS |= {"scope-of-no-table", "table-of-nobody"}
"""Damage that adds what no line has produced."""


def prove(snapshot: Snapshot) -> object:
    return asyncio.run(GATE.prove(snapshot))


def wrong(damage: Damage, laid: Laid) -> Sequence[Unsound]:
    """What is said of damage before Envoy is asked."""
    damaged = damage.apply(laid.snapshot)
    assert laid.build.plan is not None
    return unsound(damaged) or unenforced(damaged, laid.build.plan)


def _more(laid: Laid) -> set[str]:
    return MORE_IN_PAGES if laid is PAGES else MORE


@pytest.mark.parametrize("laid", [PLAIN, PAGES], ids=lambda laid: laid.name)
def test_the_undamaged_is_sound(laid: Laid) -> None:
    assert unsound(laid.snapshot) == ()
    assert laid.build.plan is not None
    assert unenforced(laid.snapshot, laid.build.plan) == []
    assert prove(laid.snapshot).__class__ is Passed


def test_there_are_many_kinds() -> None:
    every = (*DAMAGES, *OF_PAGES_ALONE)
    assert len({one.name for one in every}) == len(every) >= 220


@pytest.mark.parametrize(("damage", "laid"), IN_EITHER)
def test_damage(damage: Damage, laid: Laid) -> None:
    provenance, blames = laid.build.provenance, damage.blames(laid)
    places = lines_of(blames, provenance)
    assert bool(places) == (damage.name not in LINELESS)
    found = wrong(damage, laid)
    if found:
        blamed = {one.subject for one in found}
        assert blames in blamed, found
        assert blamed == {blames} or damage.name in _more(laid), found
        told = mistakes_of(found, provenance, ORIGIN)
    else:
        verdict = prove(damage.apply(laid.snapshot))
        assert isinstance(verdict, Refused), "neither we nor Envoy say anything"
        assert [(len(one.certain), one.among) for one in verdict.causes] == [(1, ())]
        told = mistakes(verdict, provenance, ORIGIN)
    assert (places or (ORIGIN,))[0] in [one.place for one in told]


@pytest.mark.parametrize(("damage", "laid"), IN_PAGES)
def test_damage_that_only_pages_have_is_told_before_envoy_is_asked(
    damage: Damage, laid: Laid
) -> None:
    found = wrong(damage, laid)
    blamed = {one.subject for one in found}
    assert damage.blamed in blamed, found
    assert blamed == {damage.blamed} or damage.name in _more(laid), found
