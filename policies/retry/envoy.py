"""Retries on Envoy's RouteAction.

Envoy's retry policy knows no methods, so a route whose methods are not all idempotent becomes
two: the first takes the methods that codes and perTry ask again for, the second all others.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from envoy.config.route.v3.route_components_pb2 import RetryPolicy, Route
from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate

from policies.contract import RouteFacts, RouteStep
from policies.retry.spec import LONGEST, Retry

_UNSENT = "connect-failure,refused-stream,reset-before-request"
"""Failures in which no byte of the request reached a server that acted on it."""


_UNANSWERED = "reset"
"""No answer began: the connection broke, or the try took too long (per-try timeouts are resets)."""

_KNOWN = 256
"""Settings of which the policy is known."""


@lru_cache(_KNOWN)
def _policy(settings: Retry, *, idempotent: bool) -> RetryPolicy:
    """What a route gets a copy of: most routes of a gateway inherit the same few settings."""
    policy = RetryPolicy(retry_on=_UNSENT, host_selection_retry_max_attempts=3)
    policy.num_retries.value = settings.attempts
    if settings.per_try is not None:
        policy.per_try_timeout.FromMilliseconds(settings.per_try)
    if settings.per_try_idle is not None:
        policy.per_try_idle_timeout.FromMilliseconds(settings.per_try_idle)
    if settings.timed and idempotent:
        policy.retry_on += f",{_UNANSWERED}"
    if settings.back_off is not None:
        pause = settings.back_off
        policy.retry_back_off.base_interval.FromMilliseconds(pause.base)
        policy.retry_back_off.max_interval.FromMilliseconds(pause.max or LONGEST * pause.base)
    if settings.codes and idempotent:
        policy.retry_on += ",retriable-status-codes"
        policy.retriable_status_codes.extend(settings.codes)
    other_host = policy.retry_host_predicate.add(name="envoy.retry_host_predicates.previous_hosts")
    other_host.typed_config.Pack(PreviousHostsPredicate(), deterministic=True)
    return policy


def _retry(settings: Retry, facts: RouteFacts, route: Route) -> tuple[Route, ...]:
    methods = facts.methods
    again = [m for m in settings.methods if not methods or m in methods]
    if not again or not (settings.codes or settings.timed):
        route.route.retry_policy.CopyFrom(_policy(settings, idempotent=False))
        return (route,)
    first = Route()
    first.CopyFrom(route)
    first.route.retry_policy.CopyFrom(_policy(settings, idempotent=True))
    if methods and set(methods) <= set(again):
        return (first,)
    match = first.match.headers.add(name=":method")
    match.string_match.safe_regex.regex = "|".join(re.escape(m) for m in again)
    route.route.retry_policy.CopyFrom(_policy(settings, idempotent=False))
    return (first, route)


ROUTE: Mapping[str, RouteStep] = {"retry": _retry}
