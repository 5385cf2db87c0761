"""Who may see what: an Envoy, extauthz and ratelimit on one server, each with its own world."""

import itertools

import pytest

from controlplane.snapshot import CLUSTER, snapshot
from controlplane.xds.discovery import Request
from controlplane.xds.events import Ignored, Send
from controlplane.xds.stream import Stream
from controlplane.xds.world import ENVOY, ROLES, ForeignTypeError, world
from protos import CONSUMERS, EXTAUTHZ, KEY_REQUEST, KEYS, LIMITS, PIPELINE, RATELIMIT
from tests.controlplane.xds.ads_transcript import OWN, SHORT, delta, published, sotw

PAIRS = tuple(itertools.permutations(ROLES, 2))
EVERYTHING = {
    ENVOY: published("CDS a=1 EDS a=1 SDS a=1 LDS a=1 ECDS a=1 SRDS a=1 RDS a=1"),
    EXTAUTHZ: published("CONSUMERS a=1 KEYS a=1 PIPELINE a=1"),
    RATELIMIT: published("FLEET a=1 LIMITS a=1"),
}
WORLDS = {role: world(one, role) for role, one in EVERYTHING.items()}
LIVE = """
    == extauthz CONSUMERS consumers=1 KEYS k=1 PIPELINE p=1
    >> CONSUMERS service=extauthz
    << CONSUMERS consumers=1
    >> CONSUMERS ack
    >> KEYS
    << KEYS k=1
    >> KEYS ack
    >> PIPELINE
    << PIPELINE p=1
    >> PIPELINE ack
"""


@pytest.mark.parametrize(("reader", "owner"), PAIRS)
@pytest.mark.parametrize("delta", [False, True])
def test_a_role_is_never_served_what_is_another_ones(reader: str, owner: str, delta: bool) -> None:  # noqa: FBT001 - parametrized
    """By wildcard and by name, as the first type that is asked for and later."""
    first = ROLES[reader][0]
    for type_url in ROLES[owner]:
        for before in ([], [_ask(reader, first)]):
            for names in ((), ("a",), ("*", "a")):
                stream = Stream(id="s", delta=delta, worlds=WORLDS)
                for request in before:
                    stream = stream.receive(request).stream
                step = stream.receive(_ask(reader, type_url, *names))
                assert step.events == (Ignored(node="n", type_url=type_url),)
                assert step.stream.role == reader
                other = step.stream.publish(world(published(""), owner))
                assert other.events == ()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_served_its_own(role: str) -> None:
    stream = Stream(id="s", delta=True, worlds=WORLDS)
    for type_url in ROLES[role]:
        step = stream.receive(_ask(role, type_url))
        sent = [e.push for e in step.events if isinstance(e, Send)]
        stream = step.stream
        assert sent
        for push in sent:
            assert push.type_url in ROLES[role]
            stream = stream.receive(Request(type_url=push.type_url, nonce=push.nonce)).stream


@pytest.mark.parametrize(("reader", "owner"), PAIRS)
def test_a_snapshot_with_what_is_another_ones_is_a_mistake_of_ours(reader: str, owner: str) -> None:
    with pytest.raises(ForeignTypeError) as error:
        world(EVERYTHING[owner], reader)
    assert error.value.types <= frozenset(ROLES[owner])
    kept = EVERYTHING[owner].resources
    if owner == EXTAUTHZ:
        with pytest.raises(ForeignTypeError):
            world(snapshot([]), reader, archive=kept[PIPELINE])


def test_nothing_can_be_published_under_the_type_that_only_asks() -> None:
    with pytest.raises(ForeignTypeError):
        world(published("ASK a=1"), EXTAUTHZ)


@pytest.mark.parametrize("service", ["?", "envoy", "Extauthz", "extauthz2"])
def test_a_service_that_does_not_exist_is_refused(service: str) -> None:
    delta(f"""
        == CDS a=1
        >> CDS service={service}
        << close INVALID_ARGUMENT
    """)


def test_a_role_without_a_snapshot_is_unavailable_whatever_others_have() -> None:
    delta("""
        == CDS a=1
        == ratelimit LIMITS limits=1
        >> CONSUMERS service=extauthz
        << close UNAVAILABLE
    """)
    delta("""
        == extauthz CONSUMERS consumers=1
        >> CDS
        << close UNAVAILABLE
    """)


def test_the_role_is_the_one_of_the_first_request() -> None:
    stream = delta("""
        == CDS a=1
        == ratelimit LIMITS limits=1
        >> LIMITS service=ratelimit
        << LIMITS limits=1
        >> LIMITS ack service=extauthz
        >> CDS service=
        << ignored type.googleapis.com/envoy.config.cluster.v3.Cluster
    """)
    assert (stream.role, stream.address) == (RATELIMIT, "unix:/a")


def test_a_publish_for_one_role_says_nothing_to_another() -> None:
    for play in (sotw, delta):
        play("""
            == CDS a=1
            >> CDS
            << CDS a=1
            >> CDS ack
            == extauthz CONSUMERS consumers=1
            == ratelimit LIMITS limits=1
            == CDS a=2
            << CDS a=2
        """)


def test_the_types_of_a_service_go_out_in_their_order() -> None:
    delta("""
        == extauthz
        >> PIPELINE service=extauthz
        << PIPELINE
        >> PIPELINE ack
        >> KEYS
        << KEYS
        >> KEYS ack
        >> CONSUMERS
        << CONSUMERS
        >> CONSUMERS ack
        == extauthz PIPELINE p=1 KEYS k=1 CONSUMERS consumers=1
        << CONSUMERS consumers=1
        << KEYS k=1
        << PIPELINE p=1
    """)
    delta("""
        == ratelimit
        >> LIMITS service=ratelimit
        << LIMITS
        >> LIMITS ack
        >> FLEET
        << FLEET
        >> FLEET ack
        == ratelimit LIMITS limits=1 FLEET fleet=1
        << FLEET fleet=1
        << LIMITS limits=1
    """)


def test_a_service_is_live_when_it_acked_all_its_types_but_the_one_that_asks() -> None:
    assert delta(LIVE).state == "live"
    assert delta(LIVE.rsplit(">>", 1)[0]).state == "waiting"
    assert delta(LIVE.rsplit(">>", 2)[0]).state == "waiting"
    empty = """
        == ratelimit FLEET fleet=1
        >> FLEET service=ratelimit
        << FLEET fleet=1
        >> FLEET ack
    """
    assert delta(empty).state == "waiting"
    assert delta(f"{empty}\n>> LIMITS\n<< LIMITS\n>> LIMITS ack").state == "live"


def test_a_question_does_not_hold_back_that_it_is_live() -> None:
    asked = f"{LIVE}\n>> ASK +k\n<< wanted ASK k\n<< ASK -k"
    assert delta(asked).state == "live"
    refused = delta(f"{asked}\n>> ASK nack\n<< nacked ASK why")
    assert (refused.state, refused.ready) == ("live", True)


def test_a_service_is_ready_once_it_was_live_and_as_long_as_it_refuses_nothing() -> None:
    assert not delta(LIVE.rsplit(">>", 1)[0]).ready
    assert delta(LIVE).ready
    pushed = f"""{LIVE}
        == extauthz CONSUMERS consumers=2 KEYS k=1 PIPELINE p=1
        << CONSUMERS consumers=2
    """
    assert delta(pushed).ready
    refused = f"{pushed}\n>> CONSUMERS nack\n<< nacked CONSUMERS why"
    assert not delta(refused).ready
    again = f"""{refused}
        == extauthz CONSUMERS consumers=3 KEYS k=1 PIPELINE p=1
        << CONSUMERS consumers=3
    """
    assert not delta(again).ready
    assert delta(f"{again}\n>> CONSUMERS ack").ready


def test_a_name_under_which_nothing_ever_exists_is_removed_and_told() -> None:
    delta("""
        == extauthz KEYS k=1
        >> ASK service=extauthz +k +l
        << wanted ASK k
        << wanted ASK l
        << ASK -k -l
        >> ASK ack
        >> ASK -k
        >> ASK +k
        << wanted ASK k
        << ASK -k
        >> ASK ack
        >> ASK +k -l
        << wanted ASK k
        << ASK -k
    """)


def test_a_name_is_told_even_while_the_last_answer_is_on_its_way() -> None:
    delta("""
        == extauthz KEYS k=1
        >> ASK service=extauthz +k
        << wanted ASK k
        << ASK -k
        >> ASK +l
        << wanted ASK l
        >> ASK ack
        << ASK -l
        >> ASK ack
    """)


def test_a_question_in_sotw_is_told_once_until_it_is_given_up() -> None:
    sotw("""
        == extauthz KEYS k=1
        >> ASK service=extauthz k
        << wanted ASK k
        >> ASK k l
        << wanted ASK l
        >> ASK k
        >> ASK k l
        << wanted ASK l
    """)


def test_everything_of_a_type_is_no_question() -> None:
    delta("""
        == extauthz KEYS k=1
        >> ASK service=extauthz
        << ASK
        >> ASK ack
    """)


def test_every_own_type_has_a_role() -> None:
    assert {*ROLES[EXTAUTHZ], *ROLES[RATELIMIT]} == set(OWN.values())
    assert ROLES[EXTAUTHZ] == (CONSUMERS, KEYS, PIPELINE, KEY_REQUEST)
    assert {LIMITS, CLUSTER} <= SHORT.keys()


def _ask(role: str, type_url: str, *names: str) -> Request:
    service = "" if role == ENVOY else role
    return Request(type_url=type_url, node="n", service=service, address="unix:/a", names=names)
