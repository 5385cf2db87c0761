"""Who holds something is sent nothing of a partial version: raw streams on the server."""

from pathlib import Path

import pytest

from controlplane.snapshot import CLUSTER, LISTENER
from tests.controlplane.xds.stage import BOTH, NEW, NEWER, OLD, Stage, run

pytestmark = pytest.mark.usefixtures("patient_with_pilots")


@BOTH
def test_who_holds_something_is_sent_nothing_of_a_partial_version(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD, partial=True)
        async with stage.node("full") as full, stage.node("empty") as empty:
            full.holds = "more"
            await stage.asked(full)
            await empty.ask(CLUSTER)
            assert (await empty.ack()).bodies == (b"a 0",)
            assert (stage.view("full").state, stage.view("full").phase) == ("waiting", "held")
            stage.server.publish(NEW, proved="", partial=True)
            assert (await empty.ack()).bodies == (b"a 1",)
            assert stage.view("full").types == ()
            stage.server.publish(NEWER)
            assert (await full.ack()).bodies == (b"a 2",)
            await full.ask(LISTENER)
            await full.ack()
            assert (await empty.ack()).bodies == (b"a 2",)

    run(tmp_path, body, delta=delta)


@BOTH
def test_who_was_kept_from_a_partial_version_may_be_the_first_with_the_next(
    tmp_path: Path, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD, partial=True)
        async with stage.node("one") as one, stage.node("two") as two:
            one.holds = two.holds = "more"
            await stage.asked(one)
            await stage.asked(two)
            stage.server.publish(NEW, proved="")
            await one.ack()
            assert stage.view("two").types == ()
            await one.ask(LISTENER)
            await one.ack()
            if delta:  # one of the two tells that `more` is gone
                await one.ack()
            assert (await two.ack()).bodies == (b"a 1",)

    run(tmp_path, body, delta=delta)


@BOTH
@pytest.mark.parametrize("proved", [None, "", "envoy/1.39.0"])
def test_the_same_version_that_is_not_partial_any_more_is_for_all(
    tmp_path: Path, proved: str | None, *, delta: bool
) -> None:
    async def body(stage: Stage) -> None:
        stage.server.publish(OLD, proved=proved, partial=True)
        async with stage.node("full") as full, stage.node("empty") as empty:
            full.holds = "more"
            await stage.asked(full)
            await empty.ask(CLUSTER)
            assert (await empty.ack()).bodies == (b"a 0",)
            await empty.ask(LISTENER)
            await empty.ack()
            assert stage.view("full").phase == "held"
            stage.server.publish(OLD, proved=proved)
            assert (await full.ack()).bodies == (b"a 0",)
            if delta:
                await full.ack()
            await full.ask(LISTENER)
            await full.ack()
            await stage.live(OLD, 2)

    run(tmp_path, body, delta=delta)
