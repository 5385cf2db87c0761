"""The message xds.type.matcher.v3.IPMatcher, which the independent decoder lacks.

Its field numbers are those of xds/type/matcher/v3/ip.proto.
"""

import warnings
from dataclasses import dataclass
from functools import partial

import betterproto2
from pydantic import PydanticDeprecatedSince212

with warnings.catch_warnings():  # its generated code is older than our pydantic
    warnings.simplefilter("ignore", PydanticDeprecatedSince212)
    from envoy_data_plane.message_pool import default_message_pool
    from envoy_data_plane.xds.core.v3 import CidrRange
    from envoy_data_plane.xds.type.matcher.v3 import MatcherOnMatch

_messages = partial(betterproto2.field, proto_type=betterproto2.TYPE_MESSAGE, repeated=True)
_message = partial(betterproto2.field, proto_type=betterproto2.TYPE_MESSAGE, optional=True)
_flag = partial(betterproto2.field, proto_type=betterproto2.TYPE_BOOL)


@dataclass(eq=False, repr=False)
class IPMatcherIPRangeMatcher(betterproto2.Message):
    """Ranges, and what to do with an address in one of them."""

    ranges: list[CidrRange] = _messages(1)  # noqa: RUF009 # betterproto2 says fields so
    on_match: MatcherOnMatch | None = _message(2)  # noqa: RUF009 # betterproto2 says fields so
    exclusive: bool = _flag(3)  # betterproto2 says fields so


@dataclass(eq=False, repr=False)
class IPMatcher(betterproto2.Message):
    """An address trie."""

    range_matchers: list[IPMatcherIPRangeMatcher] = _messages(1)  # noqa: RUF009 # betterproto2 says fields so


default_message_pool.register_message("xds.type.matcher.v3", "IPMatcher", IPMatcher)
