"""Where levels are kept: in this process, or in Redis for the whole fleet.

Charges enter, outcomes leave (`decision.counters.CounterStore`). Both pass the same tests, and
both are shells around `policies.limits.check`.
"""
