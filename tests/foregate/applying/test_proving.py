"""What the gate refuses stays behind, and the rest goes on: what, how often, in what words."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from controlplane.build import Build, Options
from controlplane.build import build as make
from controlplane.gate.verdicts import Cause, Passed, Refused, Unproved, Verdict
from controlplane.snapshot import CLUSTER, ROUTES, Snapshot, Subject, snapshot
from controlplane.sources import SourceFile
from foregate.applying import proving
from foregate.applying.proving import Proved, prove
from foregate.applying.writing import proof_words
from language.mistakes import Mistake
from language.places import Place
from tests.foregate.applying.world import Judge, Kept, World, built, gateway, play

AT = Place("gateway.yaml", 1, 1)


def rule(one: Snapshot, path: str) -> Subject:
    """The route of a path."""
    for name, table in one.of(ROUTES).items():
        for host in RouteConfiguration.FromString(table.body).virtual_hosts:
            for route in host.routes:
                if path in (route.match.path, route.match.safe_regex.regex):
                    return Subject(ROUTES, name, f"{host.name}/{route.name}")
    raise AssertionError(path)


def no(*parts: Subject, words: str = "will not") -> Refused:
    return Refused(causes=tuple(Cause(certain=(one,), among=(), words=words) for one in parts))


def proved(
    says: Callable[[Snapshot], Verdict], build: Build, good: Build | None = None
) -> tuple[Proved | tuple[Mistake, ...], Judge]:
    judge = Judge(says=says)
    return asyncio.run(prove(judge, build, good, AT)), judge


def once(*answers: Verdict) -> Callable[[Snapshot], Verdict]:
    """One answer after the other, then yes."""
    left = list(answers)
    return lambda _: left.pop(0) if left else Passed()


def test_a_yes_goes_on_as_it_is() -> None:
    build = built("one", "two")
    done, judge = proved(lambda _: Passed(), build)
    assert done == Proved(build=build, verdict=Passed())
    assert judge.asked == [build.snapshot]


def test_a_refused_route_is_closed_and_told_at_its_line() -> None:
    build = built("one", "two")
    assert build.snapshot is not None
    done, judge = proved(once(no(rule(build.snapshot, "/two"))), build)
    assert isinstance(done, Proved)
    assert len(judge.asked) == 2
    assert [one.state for one in done.kept] == ["closed"]
    (mistake,) = done.mistakes
    assert (mistake.place.line, mistake.message) == (8, "Envoy refuses this route: will not")
    assert done.build.snapshot == judge.asked[1] != build.snapshot


TURNED = gateway("one", "two").replace("/two, to: two", "/two, to: one")
"""The second route goes elsewhere."""


def turned() -> Build:
    return make((SourceFile(name="gateway.yaml", data=TURNED.encode()),), Options())


def test_what_was_good_stays_at_that() -> None:
    build, good = turned(), built("one", "two")
    assert build.snapshot is not None
    done, _ = proved(once(no(rule(build.snapshot, "/two"))), build, good)
    assert isinstance(done, Proved)
    assert [one.state for one in done.kept] == ["last good"]


def test_a_second_round_keeps_what_the_first_left_behind() -> None:
    build = built("one", "two", "three")
    assert build.snapshot is not None
    first, second = (rule(build.snapshot, path) for path in ("/two", "/three"))
    done, judge = proved(once(no(first), no(second)), build)
    assert isinstance(done, Proved)
    assert {one.subject for one in done.kept} == {first, second}
    assert (len(judge.asked), len(done.mistakes)) == (3, 2)


def test_a_gate_that_never_says_yes_is_not_asked_for_ever() -> None:
    build = built(*(f"b{n}" for n in range(20)))
    assert build.snapshot is not None
    parts = iter([rule(build.snapshot, f"/b{n}") for n in range(20)])
    done, judge = proved(lambda _: no(next(parts)), build)
    assert isinstance(done, tuple)
    assert len(judge.asked) == len(done) == proving.ROUNDS


def test_what_cannot_be_taken_out_holds_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "isolate", lambda *_: None)
    build = built("one")
    assert build.snapshot is not None
    done, judge = proved(lambda _: no(rule(build.snapshot or judge.asked[0], "/one")), build)
    assert isinstance(done, tuple)
    assert ([one.message for one in done], len(judge.asked)) == (
        ["Envoy refuses this route: will not"],
        1,
    )


def test_a_cause_among_too_many_parts_holds_the_version() -> None:
    build = built(*(f"b{n:02}" for n in range(proving.MOST + 1)))
    assert build.snapshot is not None
    among = tuple(Subject(CLUSTER, f"b{n:02}") for n in range(proving.MOST + 1))
    refused = Refused(causes=(Cause(certain=(), among=among, words="will not"),))
    done, judge = proved(lambda _: refused, build)
    assert isinstance(done, tuple)
    assert (len(done), len(judge.asked)) == (1, 1)


def damaged(build: Build, name: str) -> Build:
    """Without a backend that a route needs."""
    assert build.snapshot is not None
    every = [one for group in build.snapshot.resources.values() for one in group.values()]
    left = [one for one in every if one.name != name]
    return replace(build, snapshot=snapshot(left))


def test_what_is_unsound_is_stopped_before_envoy_is_asked_and_not_in_its_name() -> None:
    build = damaged(built("one", "two"), "two")
    done, judge = proved(lambda _: Passed(), build)
    assert isinstance(done, Proved)
    assert len(judge.asked) == 1
    assert [one.state for one in done.kept] == ["closed"]
    messages = [one.message for one in done.mistakes]
    assert messages
    assert all(one.startswith("this would be served wrong: ") for one in messages)
    assert "two" in messages[0]


def test_without_a_verdict_it_goes_on_and_says_so(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.save(gateway("one"))
        assert world.told.warned[0] == "not proved by Envoy before it goes live: no time"
        assert world.version(1).note.proof == "unproved: no time"
        assert world.served() == {"one"}

    gate = Judge(says=lambda _: Unproved(reason="no time"))
    play(tmp_path, body, kept=Kept(tmp_path / "state"), gate=gate)


@pytest.mark.parametrize(
    ("verdict", "proof"),
    [
        (Unproved(reason="no time"), ""),
        (Passed(how="prover", software="envoy/1.40.0"), "envoy/1.40.0"),
    ],
)
def test_the_fleet_hears_for_which_envoys_it_is_proved(
    tmp_path: Path, verdict: Passed | Unproved, proof: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []

    async def body(world: World) -> None:
        publish = world.stage.publisher.publish

        async def heard_of(*args: object, **named: object) -> object:
            heard.append(named["proved"])
            return await publish(*args, **named)  # type: ignore[arg-type] # as they came

        monkeypatch.setattr(world.stage.publisher, "publish", heard_of)
        await world.save(gateway("one"))

    play(tmp_path, body, gate=Judge(says=lambda _: verdict))
    assert heard == [proof]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Passed(how="prover", software="envoy/1.40.0"), "a running Envoy (envoy/1.40.0)"),
        (Passed(), "envoy --mode validate"),
        (Passed(replaced=("ports", "files")), "envoy --mode validate, without ports, files"),
        (Unproved(reason="no time"), "unproved: no time"),
    ],
)
def test_the_proof_in_words(verdict: Passed | Unproved, words: str) -> None:
    assert proof_words(Proved(build=built("one"), verdict=verdict)) == words


def test_parts_that_stay_behind_are_shown_until_they_are_mended(tmp_path: Path) -> None:
    def says(one: Snapshot) -> Verdict:
        tables = b"".join(table.body for table in one.of(ROUTES).values())
        return no(rule(one, "/bad")) if b"\x03bad" in tables else Passed()

    async def body(world: World) -> None:
        await world.save(gateway("one"))
        await world.save(gateway("one", "bad"))
        assert [one.state for one in world.applier.served.kept] == ["closed"]
        (part,) = world.version(2).note.parts
        assert (part.state, part.why, bool(part.places)) == ("closed", "will not", True)
        await world.save(gateway("one", "bad") + "\n# again\n")
        assert [one.state for one in world.applier.served.kept] == ["closed"]
        await world.save(gateway("one"))
        assert world.applier.served.kept == ()

    play(tmp_path, body, kept=Kept(tmp_path / "state"), gate=Judge(says=says))


def test_what_is_mended_back_to_what_is_served_is_not_said_to_be_refused(tmp_path: Path) -> None:
    snap = turned().snapshot
    assert snap is not None
    bad = snap.version

    def says(one: Snapshot) -> Verdict:
        return no(rule(one, "/two")) if one.version == bad else Passed()

    async def body(world: World) -> None:
        await world.save(gateway("one", "two"))
        await world.save(TURNED)
        assert [one.state for one in world.applier.served.kept] == ["last good"]
        await world.save(gateway("one", "two"))
        assert world.applier.served.kept == ()

    play(tmp_path, body, gate=Judge(says=says))
