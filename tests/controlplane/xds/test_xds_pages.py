"""Scopes on the stream: the dispatcher names no page whose table is not there."""

from tests.controlplane.xds.ads_transcript import both, delta

FIRST = """
== CDS x=1 LDS l=1>SRDS/_d SRDS _d=1>RDS/t/_d p=1>RDS/t/p RDS t/_d=1>SRDS/p t/p=1>CDS/x
>> CDS
<< CDS x=1
>> CDS ack
>> LDS
<< LDS l=1
>> LDS ack
>> SRDS
<< SRDS _d=1 p=1
>> RDS +t/_d +t/p
<< RDS t/p=1
>> SRDS ack
>> RDS ack
<< RDS t/_d=1
>> RDS ack
"""


def test_the_dispatcher_comes_after_the_tables_of_its_pages() -> None:
    both(FIRST)


def test_of_a_page_that_changes_only_its_table_is_sent() -> None:
    both(f"""{FIRST}
    == CDS x=1 LDS l=1>SRDS/_d SRDS _d=1>RDS/t/_d p=1>RDS/t/p RDS t/_d=1>SRDS/p t/p=2>CDS/x
    << RDS t/p=2
    >> RDS ack
    """)


def test_other_pages_are_there_before_the_dispatcher_says_so_and_leave_after_it() -> None:
    delta(f"""{FIRST}
    == CDS x=1 LDS l=1>SRDS/_d SRDS _d=1>RDS/t/_d q=1>RDS/t/q RDS t/_d=2>SRDS/q t/q=1>CDS/x
    << SRDS q=1
    >> SRDS ack
    .. 0.4s
    >> RDS +t/q
    << RDS t/q=1
    >> RDS ack
    << RDS t/_d=2
    >> RDS ack
    .. 1.5s
    << SRDS -p
    >> SRDS ack
    >> RDS -t/p
    """)


def test_a_dispatcher_does_not_wait_for_a_table_that_nobody_asks_for() -> None:
    delta(f"""{FIRST}
    == CDS x=1 LDS l=1>SRDS/_d SRDS _d=1>RDS/t/_d q=1>RDS/t/q RDS t/_d=2>SRDS/q t/q=1>CDS/x
    << SRDS q=1
    >> SRDS ack
    .. 0.6s
    << RDS t/_d=2
    >> RDS ack
    """)


def test_from_one_table_to_pages_and_back_all_stays_while_the_old_listener_drains() -> None:
    plain = "CDS x=1 LDS l=1>RDS/t RDS t=1>CDS/x"
    delta(f"""
    == {plain}
    >> CDS
    << CDS x=1
    >> CDS ack
    >> LDS
    << LDS l=1
    >> LDS ack
    >> RDS +t
    << RDS t=1
    >> RDS ack
    == CDS x=1 LDS l=2>SRDS/_d SRDS _d=1>RDS/t/_d p=1>RDS/t/p RDS t/_d=1>SRDS/p t/p=1>CDS/x
    << LDS l=2
    >> SRDS
    << SRDS _d=1 p=1
    >> LDS ack
    >> RDS +t/_d +t/p
    << RDS t/p=1
    >> SRDS ack
    >> RDS ack
    << RDS t/_d=1
    >> RDS ack
    .. 2s
    == {plain}
    << LDS l=1
    >> LDS ack
    >> RDS ack
    .. 2s
    .. 700s
    << SRDS -_d
    """)
