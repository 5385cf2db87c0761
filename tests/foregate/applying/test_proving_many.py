"""Where too much is refused to be found one by one, whole files stay behind, and no others."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build, Options, build
from controlplane.gate.verdicts import Cause, Passed, Refused, Verdict
from controlplane.snapshot import ROUTES, Snapshot, Subject
from controlplane.sources import SourceFile
from foregate.applying.proving import EXACT, Proved, prove
from language.places import Place
from tests.foregate.applying.world import Judge

AT = Place("gateway.yaml", 1, 1)
ROUTE = "  - {path: /%s, respond: {status: %d}}\n"
BAD, GOOD, SAME, OTHER, NO_HOST = 201, 200, 202, 204, 400
FEW = 2
"""So many refused routes are found in one round."""


def made(status: int, routes: int) -> Build:
    head = "defaults: {auth: none}\nroutes:\n"
    many = "".join(ROUTE % (f"r{n}", status) for n in range(routes))
    texts = {
        "gateway.yaml": "version: 1\n",
        "many.yaml": head + many + ROUTE % ("same", SAME),
        "other.yaml": head + ROUTE % ("other", OTHER + (status == BAD)),
    }
    files = tuple(SourceFile(name=name, data=text.encode()) for name, text in texts.items())
    return build(files, Options())


def answers(one: Snapshot) -> dict[Subject, pb.Route]:
    return {
        Subject(ROUTES, name, f"{host.name}/{route.name}"): route
        for name, table in one.of(ROUTES).items()
        for host in RouteConfiguration.FromString(table.body).virtual_hosts
        for route in host.routes
    }


def statuses(one: Build) -> Counter[int]:
    assert one.snapshot is not None
    found = (route.direct_response.status for route in answers(one.snapshot).values())
    return Counter(status for status in found if status != NO_HOST)


def refusing(*wrong: int) -> Callable[[Snapshot], Verdict]:
    def says(one: Snapshot) -> Verdict:
        found = [at for at, r in answers(one).items() if r.direct_response.status in wrong]
        causes = tuple(Cause(certain=(at,), among=(), words="no") for at in found[:FEW])
        return Refused(causes=causes, complete=len(found) <= FEW) if found else Passed()

    return says


def proved(
    says: Callable[[Snapshot], Verdict], new: Build, good: Build | None
) -> tuple[Proved, int]:
    judge = Judge(says=says)
    out = asyncio.run(prove(judge, new, good, AT))
    assert isinstance(out, Proved)
    return out, len(judge.asked)


def test_after_some_rounds_all_of_the_file_is_as_it_was_and_others_are_new() -> None:
    good, new = made(GOOD, 40), made(BAD, 40)
    out, asked = proved(refusing(BAD), new, good)
    assert asked == EXACT + 2
    assert statuses(out.build) == {GOOD: 40, SAME: 1, OTHER + 1: 1}
    assert Counter(one.state for one in out.kept) == {"last good": 40}
    told = [one.message for one in out.mistakes]
    assert told[:-1] == ["Envoy refuses this route: no"] * FEW * (EXACT + 1)
    assert told[-1].startswith("and the other routes of this file stay as they are served")
    assert {one.place.file for one in out.mistakes} == {"many.yaml"}


def test_what_never_was_good_is_closed() -> None:
    out, _ = proved(refusing(BAD), made(BAD, 40), None)
    assert statuses(out.build) == {503: 41, OTHER + 1: 1}


def test_where_that_was_refused_too_all_of_the_file_is_closed() -> None:
    good, new = made(GOOD, 40), made(BAD, 40)
    out, asked = proved(refusing(BAD, GOOD), new, good)
    assert asked == EXACT + 3
    assert statuses(out.build) == {503: 41, OTHER + 1: 1}
    assert sum("other routes" in one.message for one in out.mistakes) == 1


def test_where_all_that_is_refused_was_found_no_more_is_taken_out() -> None:
    def says(one: Snapshot) -> Verdict:
        said = refusing(BAD)(one)
        return replace(said, complete=True) if isinstance(said, Refused) else said

    good, new = made(GOOD, FEW * (EXACT + 2)), made(BAD, FEW * (EXACT + 2))
    out, asked = proved(says, new, good)
    assert asked == EXACT + 3
    assert not any("other routes" in one.message for one in out.mistakes)


def test_a_search_that_takes_long_is_ended_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foregate.applying.proving.EXACT_SECONDS", -1.0)
    good, new = made(GOOD, 40), made(BAD, 40)
    out, asked = proved(refusing(BAD), new, good)
    assert asked == 1 + 1
    assert statuses(out.build) == {GOOD: 40, SAME: 1, OTHER + 1: 1}


def test_no_round_but_the_second_begins_after_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foregate.applying.proving.SECONDS", -1.0)
    judge = Judge(says=refusing(BAD))
    out = asyncio.run(prove(judge, made(BAD, 40), made(GOOD, 40), AT))
    assert isinstance(out, tuple)
    assert (len(out), len(judge.asked)) == (2 * FEW, 2)
