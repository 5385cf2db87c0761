"""The authorization service, made for whoever serves it."""

import time
from collections.abc import Callable

from google.protobuf.internal import api_implementation

from extauthz.check import Checker
from extauthz.metrics import Metrics
from extauthz.policy import Policy
from protos import CONSUMERS, EXTAUTHZ, KEYS, PIPELINE
from serving.service import Feed, Service

METHOD = "envoy.service.auth.v3.Authorization/Check"


class SlowProtobufError(Exception):
    """The C implementation of protobuf is missing: a check would cost 40 times as much."""


def make(
    feed: Feed,
    *,
    now: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> Service:
    """Make the service; the clocks are seconds since the epoch, and seconds for durations."""
    if api_implementation.Type() != "upb":
        raise SlowProtobufError(api_implementation.Type())
    policy, metrics = Policy(), Metrics()
    checker = Checker(feed=feed, policy=policy, metrics=metrics, now=now, monotonic=monotonic)
    return Service(
        name=EXTAUTHZ,
        types=(CONSUMERS, KEYS, PIPELINE),
        intake=policy,
        methods={METHOD: checker.check},
        registry=metrics.registry,
    )
