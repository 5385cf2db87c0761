"""Xds.type.matcher.v3.IPMatcher for the independent decoder, which lacks this one message.

Its field numbers are those of xds/type/matcher/v3/ip.proto.
"""

import warnings
from dataclasses import dataclass

import betterproto2
from pydantic import PydanticDeprecatedSince212

with warnings.catch_warnings():  # its generated code is older than our pydantic
    warnings.simplefilter("ignore", PydanticDeprecatedSince212)
    from envoy_data_plane.message_pool import default_message_pool
    from envoy_data_plane.xds.core.v3 import CidrRange
    from envoy_data_plane.xds.type.matcher.v3 import MatcherOnMatch


@dataclass(eq=False, repr=False)
class IPMatcherIPRangeMatcher(betterproto2.Message):
    """Ranges, and what to do with an address in one of them."""

    ranges: list[CidrRange] = betterproto2.field(1, betterproto2.TYPE_MESSAGE, repeated=True)
    on_match: MatcherOnMatch | None = betterproto2.field(
        2, betterproto2.TYPE_MESSAGE, optional=True
    )
    exclusive: bool = betterproto2.field(3, betterproto2.TYPE_BOOL)


@dataclass(eq=False, repr=False)
class IPMatcher(betterproto2.Message):
    """An address trie."""

    range_matchers: list[IPMatcherIPRangeMatcher] = betterproto2.field(
        1, betterproto2.TYPE_MESSAGE, repeated=True
    )


default_message_pool.register_message("xds.type.matcher.v3", "IPMatcher", IPMatcher)
