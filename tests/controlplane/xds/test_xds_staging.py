"""An unproved version goes to one node of each software first: raw streams on the server."""

from pathlib import Path

import pytest

from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, Snapshot, snapshot
from controlplane.xds import pilots, roll
from tests.controlplane.xds.ads_transcript import published
from tests.controlplane.xds.raw_client import gone
from tests.controlplane.xds.stage import BOTH, NEW, NEWER, OLD, Stage, nothing_comes, run

pytestmark = pytest.mark.usefixtures("patient_with_pilots")


@BOTH
def test_the_others_have_it_when_the_first_has_taken_all_of_it(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD)
        async with stage.node("one") as one, stage.node("two") as two:
            await stage.takes(one, two)
            stage.server.publish(NEW, proved="envoy/1.40.0")
            sent = await one.answer()
            assert sent.bodies == (b"a 1",)
            await nothing_comes(two)
            held = stage.view("two")
            assert (held.state, held.phase, held.version) == ("waiting", "held", OLD.version)
            assert stage.server.outcome(NEW.version) is None
            await one.ask(CLUSTER, nonce=sent.nonce)
            assert (await two.ack()).bodies == (b"a 1",)
            await stage.live(NEW, 2)

    run(tmp_path, body, delta=delta)


@BOTH
def test_those_for_whose_software_it_is_proved_have_it_at_once(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD)
        async with (
            stage.node("one") as one,
            stage.node("same", "1.40.0") as same,
            stage.node("too", "1.40.0") as too,
            stage.node("two") as two,
        ):
            await stage.takes(one, same, too, two)
            stage.server.publish(NEW, proved="envoy/1.40.0")
            for client in (same, too):
                assert (await client.ack()).bodies == (b"a 1",)
            await nothing_comes(two)
            assert stage.server.outcome(NEW.version) is None
            await one.ack()
            await two.ack()
            await stage.live(NEW, 4)

    run(tmp_path, body, delta=delta)


@BOTH
def test_a_first_version_is_waited_for_and_nothing_is_sent(tmp_path: Path, *, delta: bool) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(NEW, proved="")
        async with stage.node("one") as one, stage.node("two") as two:
            await stage.asked(one)
            await stage.asked(two)
            await one.ack()
            assert (stage.view("two").phase, stage.view("two").version) == ("held", "")
            assert stage.view("two").types == ()
            await one.ask(LISTENER)
            await one.ack()
            assert (await two.ack()).bodies == (b"a 1",)
            await two.ask(LISTENER)
            await two.ack()
            await stage.live(NEW, 2)

    run(tmp_path, body, delta=delta)


@BOTH
def test_what_the_first_refuses_nobody_else_sees(tmp_path: Path, *, delta: bool) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD)
        async with stage.node("one") as one, stage.node("two") as two:
            await stage.takes(one, two)
            stage.server.publish(NEW, proved="")
            await one.nack("a: no")
            outcome = await stage.server.settled(NEW.version, within=10)
            assert [nack.message for nack in outcome.nacks] == ["a: no"]
            async with stage.node("three") as three:
                await stage.asked(three)
                assert (await three.ack()).bodies == (b"a 0",)
            stage.server.publish(OLD)
            assert (await one.ack()).bodies == (b"a 0",)
            await nothing_comes(two)
            assert stage.view("two").phase != "held"
            stage.server.publish(NEWER, proved="")
            await one.ack()
            assert (await two.ack()).bodies == (b"a 2",)

    run(tmp_path, body, delta=delta)


@BOTH
@pytest.mark.parametrize("group", ["", "edge"])
def test_a_sick_node_does_not_leave_the_others_without_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, *, delta: bool
) -> None:
    """Also where they are of the same cluster: what one of these refused is kept from the rest."""

    async def body(stage: Stage) -> None:
        stage.server.publish(NEW, proved="")
        monkeypatch.setattr(pilots, "PILOT_SECONDS", 0.05)
        async with stage.node("two", group=group) as two:
            async with stage.node("one", group=group) as sick:
                await stage.asked(sick)
                await stage.asked(two)
                await sick.nack("a: no")
                await stage.server.settled(NEW.version, within=10)
                assert stage.view("two").types == ()
            assert (await two.ack()).bodies == (b"a 1",)
            await two.ask(LISTENER)
            await two.ack()
            await stage.live(NEW, 1)

    run(tmp_path, body, delta=delta)


@BOTH
def test_another_goes_first_where_one_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD)
        async with stage.node("one") as one, stage.node("two") as two, stage.node("three") as three:
            await stage.takes(one, three, two)
            monkeypatch.setattr(pilots, "PILOT_SECONDS", 0.05)
            stage.server.publish(NEW, proved="")
            sent = await one.answer()
            monkeypatch.setattr(pilots, "PILOT_SECONDS", 3600.0)
            assert (await three.answer()).bodies == (b"a 1",)
            await nothing_comes(two)
            await one.ask(CLUSTER, nonce=sent.nonce)  # late is not too late
            assert (await two.ack()).bodies == (b"a 1",)

    run(tmp_path, body, delta=delta)


@BOTH
def test_a_pilot_that_comes_back_goes_on(tmp_path: Path, *, delta: bool) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD)
        async with stage.node("two") as two:
            async with stage.node("one") as one:
                await stage.takes(one, two)
                stage.server.publish(NEW, proved="")
                await one.answer()
            await gone(stage.server, "one")
            async with stage.node("three") as three, stage.node("one") as one:
                await stage.asked(three)
                assert (await three.ack()).bodies == (b"a 0",)
                await one.ask(CLUSTER)
                assert (await one.ack()).bodies == (b"a 1",)
                await one.ask(LISTENER)
                await one.ack()
                assert (await two.ack()).bodies == (b"a 1",)
                assert (await three.ack()).bodies == (b"a 1",)

    run(tmp_path, body, delta=delta)


@BOTH
def test_what_is_no_new_version_reaches_all_with_what_they_have(
    tmp_path: Path, *, delta: bool
) -> None:
    def moved(one: Snapshot) -> Snapshot:
        (e,) = published("EDS e=moved").of(ENDPOINTS).values()
        others = (r for group in one.resources.values() for r in group.values() if r.name != "e")
        return snapshot([*others, e])

    async def body(stage: Stage) -> None:
        stage.server.publish(OLD)
        async with stage.node("one") as one, stage.node("two") as two:
            await stage.takes(one, two)
            stage.server.publish(NEW, proved="")
            sent = await one.answer()
            stage.server.amend(moved)
            assert (await two.ack()).bodies == (b"e moved",)
            assert (await one.ack()).bodies == (b"e moved",)
            await nothing_comes(two)
            assert stage.view("two").version == moved(OLD).version
            await one.ask(CLUSTER, nonce=sent.nonce)
            assert (await two.ack()).bodies == (b"a 1",)
            await stage.live(moved(NEW), 2)

    run(tmp_path, body, delta=delta)


@BOTH
def test_who_is_kept_from_it_is_neither_late_nor_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD)
        async with (
            stage.node("one") as one,
            stage.node("two") as two,
            stage.node("good", "1.40.0") as good,
        ):
            await stage.takes(one, two, good)
            monkeypatch.setattr(roll, "SILENT_SECONDS", 0.02)
            monkeypatch.setattr("controlplane.xds.connection.LATE_SECONDS", 0.0)
            stage.server.publish(NEW, proved="envoy/1.40.0")
            await good.ack()
            sent = await one.answer()
            outcome = await stage.server.settled(NEW.version, within=0.2)
            assert (outcome.state, set(outcome.waiting)) == ("late", {"one", "two"})
            assert stage.view("two").state == "waiting"
            assert stage.view("one").state == "late"
            monkeypatch.setattr(roll, "SILENT_SECONDS", 60.0)
            await one.ask(CLUSTER, nonce=sent.nonce)
            await two.ack()
            await stage.live(NEW, 3)

    run(tmp_path, body, delta=delta)


@BOTH
def test_what_all_others_have_is_given_on_though_a_new_release_refuses_it(
    tmp_path: Path, *, delta: bool
) -> None:
    """It stops no version, so nobody would come to lift it."""

    async def body(stage: Stage) -> None:
        stage.server.publish(OLD, proved="envoy/1.40.0")
        stage.server.accept(OLD)
        async with stage.node("one") as one, stage.node("two") as two:
            await stage.asked(one)
            await stage.asked(two)
            await one.nack("a: no")
            assert (await two.ack()).bodies == (b"a 0",)

    run(tmp_path, body, delta=delta)
