"""Pipelines of older snapshots: there for who asks for one by its hash, and for nobody else."""

from controlplane.xds import world as module
from controlplane.xds.world import World, world
from protos import CONSUMERS, EXTAUTHZ, PIPELINE
from tests.controlplane.xds.ads_transcript import delta, published

TWO_VERSIONS = """
    == extauthz PIPELINE old=1
    == extauthz PIPELINE new=1
"""


def test_what_is_archived_is_no_part_of_the_wildcard() -> None:
    delta(f"""{TWO_VERSIONS}
        >> PIPELINE service=extauthz
        << PIPELINE new=1
        >> PIPELINE ack
        == extauthz PIPELINE third=1
        << PIPELINE third=1 -new
        >> PIPELINE ack
    """)


def test_what_is_archived_comes_to_who_names_it() -> None:
    delta(f"""{TWO_VERSIONS}
        >> PIPELINE service=extauthz +* +old +never
        << PIPELINE new=1 old=1 -never
        >> PIPELINE ack
        == extauthz PIPELINE third=1
        << PIPELINE third=1 -new
        >> PIPELINE ack
        >> PIPELINE +new
        << PIPELINE new=1
        >> PIPELINE ack
    """)


def test_what_is_archived_is_gone_with_its_name() -> None:
    delta(f"""{TWO_VERSIONS}
        >> PIPELINE service=extauthz +* +old
        << PIPELINE new=1 old=1
        >> PIPELINE ack
        >> PIPELINE -old
        << PIPELINE -old
        >> PIPELINE ack
    """)


def test_a_name_that_is_held_stays_when_it_leaves_the_snapshot_and_comes_back() -> None:
    delta("""
        == extauthz PIPELINE a=1
        >> PIPELINE service=extauthz +* +a
        << PIPELINE a=1
        >> PIPELINE ack
        == extauthz PIPELINE b=1
        << PIPELINE b=1
        >> PIPELINE ack
        == extauthz PIPELINE a=1
        << PIPELINE -b
        >> PIPELINE ack
    """)


def test_a_client_that_comes_again_with_an_archived_name_is_told_nothing_new() -> None:
    delta(
        f"""{TWO_VERSIONS}
        >> PIPELINE service=extauthz +old held:old=1
        << PIPELINE new=1
    """.replace("+old", "+* +old")
    )


def test_only_what_is_named_by_its_content_is_archived() -> None:
    delta("""
        == extauthz CONSUMERS a=1 KEYS k=1
        == extauthz CONSUMERS b=1
        >> CONSUMERS service=extauthz +a
        << CONSUMERS -a
        >> CONSUMERS ack
        >> KEYS +k
        << KEYS -k
    """)


def test_the_version_of_a_type_does_not_follow_its_archive() -> None:
    fresh, later = _world("b=1"), _world("b=1", before=_world("a=1"))
    assert fresh.offers[PIPELINE].version == later.offers[PIPELINE].version
    assert set(later.offers[PIPELINE].archive) == {"a"}
    assert later.offers[CONSUMERS].archive == {}


def test_what_the_caller_adds_is_older_than_all_that_was_published() -> None:
    older = published("PIPELINE x=1 y=1 c=1").of(PIPELINE)
    first = world(published("PIPELINE a=1"), EXTAUTHZ, archive=older)
    assert list(first.offers[PIPELINE].archive) == ["c", "x", "y"]
    second = world(published("PIPELINE c=1"), EXTAUTHZ, before=first)
    assert list(second.offers[PIPELINE].archive) == ["x", "y", "a"]


def test_the_archive_is_bounded_and_the_oldest_leave() -> None:
    now = _world("p0=1")
    for n in range(1, 6):
        now = _world(f"p{n}=1", before=now)
    assert list(now.offers[PIPELINE].archive) == ["p0", "p1", "p2", "p3", "p4"]
    many = " ".join(f"m{n}=1" for n in range(module.ARCHIVE_SIZE))
    now = _world("last=1", before=_world(many, before=now))
    archive = now.offers[PIPELINE].archive
    assert (len(archive), "p4" in archive) == (module.ARCHIVE_SIZE, False)


def _world(words: str, before: World | None = None) -> World:
    return world(published(f"PIPELINE {words}"), EXTAUTHZ, before=before)
