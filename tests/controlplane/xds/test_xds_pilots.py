"""Who may have an unproved version, and when: any order of events keeps the promises."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.xds.pilots import (
    GROUPS,
    LONGEST_SECONDS,
    PILOT_SECONDS,
    REFUSED_SECONDS,
)
from tests.controlplane.xds.crowd import WORLDS
from tests.controlplane.xds.pilots_play import SOFTWARE, Play

OLD, NEW, NEWER, _ = WORLDS
STEPS = st.one_of(
    st.tuples(st.just("enter"), st.integers(0, 5), st.integers(0, 2)),
    st.tuples(st.just("publish"), st.integers(0, 3), st.sampled_from([None, *range(3)])),
    st.tuples(st.sampled_from(["live", "live", "refused"]), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("leave"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([1, 9, 11, 700]), st.just(0)),
)


def steps_of(play: Play, steps: list[tuple[str, int, int | None]]) -> Iterator[str]:
    for kind, number, more in steps:
        live = list(play.there)
        if kind == "enter":
            play.enter(f"n{number}", SOFTWARE[more or 0])
        elif kind == "publish":
            proved = SOFTWARE[more] if more is not None else None
            play.publish(WORLDS[number], proved)
        elif kind == "wait":
            play.wait(number)
        elif number < len(live) and kind == "leave":
            play.leave(live[number])
        elif number < len(live):
            play.say(live[number], "live" if kind == "live" else "refused")
        yield kind


@settings(max_examples=600, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_one_at_a_time_goes_first_and_all_have_it_in_the_end(
    steps: list[tuple[str, int, int | None]],
) -> None:
    play = Play()
    had: dict[str, int] = {}
    for kind in steps_of(play, steps):
        play.check()
        for software in play.refusing:
            group = play.group(software)
            given_now = sum(not seen.held for seen in group)
            have_something = any(seen.held and seen.world for seen in group)
            if have_something and kind != "publish":
                assert given_now <= had.get(software, given_now)
            had[software] = given_now
        had = {software: n for software, n in had.items() if software in play.refusing}
    for _ in range(len(play.there)):
        for one, seen in list(play.there.items()):
            if not seen.held and seen.software not in play.refusing:
                play.say(one, "live")
        play.check()
        play.wait(LONGEST_SECONDS)
    assert {s.software for s in play.there.values() if s.held} <= play.refusing


def test_one_that_answers_goes_first_and_the_others_follow_it() -> None:
    play = Play()
    play.publish(OLD)
    first, second, third = (play.enter(name) for name in "abc")
    play.say(second, "live")
    play.publish(NEW, "")
    assert play.kept() == ["a", "c"]
    play.say(third, "live")  # with what it had
    assert play.there[first].world is OLD
    play.say(second, "live")
    assert play.kept() == []
    play.enter("d")
    assert play.kept() == []


def test_a_first_version_is_waited_for_with_nothing() -> None:
    play = Play()
    play.publish(NEW, "envoy/1.40.0")
    one, two = play.enter("a", "envoy/1.39.0"), play.enter("b", "envoy/1.39.0")
    play.enter("c", "envoy/1.40.0")
    assert play.kept() == ["b"]
    assert play.there[two].world is None
    play.say(one, "live")
    assert play.kept() == []


def test_after_a_refusal_the_others_never_see_it_until_there_is_another() -> None:
    play = Play()
    play.publish(OLD)
    one, two = play.enter("a"), play.enter("b")
    play.publish(NEW, "")
    play.say(one, "refused")
    play.wait(10_000)
    play.enter("c")
    assert play.kept() == ["b", "c"]
    play.leave(one)
    play.enter("a")
    assert play.kept() == ["b", "c", "a"]
    play.publish(NEWER, "")
    assert len(play.kept()) == 2
    play.publish(OLD)  # the last good needs no pilot
    assert play.kept() == []
    assert play.there[two].world is OLD


def test_where_nobody_has_anything_a_refusal_ends_each_time_later() -> None:
    """One sick node would leave all others without anything for ever."""
    play = Play()
    play.publish(NEW, "")
    one, two = play.enter("a"), play.enter("b")
    play.enter("c")
    play.say(one, "refused")
    play.wait(REFUSED_SECONDS - 1)
    assert play.kept() == ["b", "c"]
    play.wait(1)
    assert play.kept() == ["c"]
    play.say(two, "refused")
    play.wait(2 * REFUSED_SECONDS - 1)
    assert play.kept() == ["c"]
    play.wait(1)
    assert play.kept() == []
    play.enter("d")
    assert play.kept() == ["d"]


def test_it_ends_soon_after_the_one_that_refused_has_left_and_that_one_goes_last() -> None:
    play = Play()
    play.publish(NEW, "")
    one, two = play.enter("a"), play.enter("b")
    play.say(one, "refused")
    play.leave(one)
    again = play.enter("a")
    play.wait(PILOT_SECONDS - 1)
    assert play.kept() == ["b", "a"]
    play.wait(1)
    assert play.kept() == ["a"]
    play.say(two, "live")
    assert play.kept() == []
    assert play.there[again].world is NEW


def test_who_comes_after_a_refusal_ended_with_nobody_there_goes_first() -> None:
    play = Play()
    play.publish(NEW, "")
    one = play.enter("a")
    play.say(one, "refused")
    play.leave(one)
    play.wait(LONGEST_SECONDS)
    play.enter("b")
    play.enter("c")
    assert play.kept() == ["c"]


def test_a_newer_version_ends_a_refusal_at_once() -> None:
    play = Play()
    play.publish(NEW, "")
    one, two = play.enter("a"), play.enter("b")
    play.say(one, "refused")
    play.publish(NEWER, "")
    assert (play.there[one].world, play.kept()) == (NEWER, ["b"])
    play.wait(PILOT_SECONDS)
    assert play.there[two].world is NEWER


def test_who_says_nothing_is_waited_for_each_time_longer_and_may_still_answer() -> None:
    play = Play()
    one, *_ = (play.enter(name) for name in "abcd")
    play.publish(NEW, "")
    for seconds, kept in ((10, "cd"), (20, "d"), (40, "")):
        play.wait(seconds - 1)
        assert len(play.kept()) == len(kept) + 1
        play.wait(1)
        assert "".join(play.kept()) == kept
    play.wait(80)  # nobody is left
    play.enter("e")
    play.enter("f")
    assert play.kept() == ["f"]
    play.say(one, "live")
    assert play.kept() == []


def test_a_pilot_that_leaves_may_come_back_and_goes_on() -> None:
    """A version that ends Envoys takes them one by one, not all in a second."""
    play = Play()
    one, _ = play.enter("a"), play.enter("b")
    play.publish(NEW, "")
    play.leave(one)
    assert play.kept() == ["b"]
    play.wait(9)
    one = play.enter("a")
    assert play.kept() == ["b"]
    play.leave(one)
    play.wait(1)
    assert play.kept() == []


def test_another_stream_of_the_pilot_takes_its_place() -> None:
    play = Play()
    half_open, _ = play.enter("a"), play.enter("b")
    play.publish(NEW, "")
    again = play.enter("a")
    assert play.kept() == ["b", "a"]
    play.leave(half_open)
    assert play.kept() == ["b"]
    play.say(again, "live")
    assert play.kept() == []


def test_a_newer_version_finds_the_pilot_that_there_is_and_gives_it_no_more_time() -> None:
    play = Play()
    play.publish(OLD)
    one, two = play.enter("a"), play.enter("b")
    for world in (NEW, NEWER) * 5:
        play.publish(world, "")
        assert (play.there[one].world, play.kept()) == (world, ["b"])
        play.wait(0.9)
    play.wait(1)
    assert play.kept() == []
    assert play.there[two].world is NEWER


def test_what_a_group_has_passed_is_what_it_goes_back_to() -> None:
    play = Play()
    play.publish(OLD)
    slow, quick = (play.enter(name, "envoy/1.38.0") for name in "ab")
    done, also = (play.enter(name, "envoy/1.39.0") for name in "cd")
    play.publish(NEW, "")
    play.say(done, "live")
    play.publish(NEWER, "")
    assert [play.there[one].world for one in (quick, also)] == [OLD, NEW]
    assert not play.there[slow].held


def test_what_makes_no_new_version_changes_for_all_as_they_are() -> None:
    play = Play()
    play.publish(OLD)
    one, two = play.enter("a"), play.enter("b")
    play.publish(NEW, "")
    changed = {id(world): replace(world) for world in (OLD, NEW)}
    play.pilots.amend(lambda world: changed[id(world)])
    play.look(one, two)
    assert play.there[one].world is changed[id(NEW)]
    assert play.there[two].world is changed[id(OLD)]
    assert list(play.pilots.worlds()) == [changed[id(OLD)], changed[id(NEW)]]
    play.say(one, "live")
    assert play.kept() == []


def test_groups_without_a_node_are_not_kept_for_ever() -> None:
    play = Play()
    play.publish(OLD, "")
    for number in range(GROUPS + 1):
        one = play.enter("a", f"envoy/{number}")
        play.say(one, "live")
        play.leave(one)
    play.publish(NEW, "")
    play.publish(OLD, "")
    again = [play.enter(name, f"envoy/{GROUPS}") for name in "ab"]
    assert play.kept() == []  # it has passed that
    assert len(again) == 2
    play.enter("a", "envoy/0")
    play.enter("b", "envoy/0")
    assert play.kept() == ["b"]
