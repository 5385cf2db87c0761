"""How much: Envoy's rate limit calls enter, decisions of `policies.limits` leave.

A shell: it finds the limits that descriptors name, has a store decide them together, and writes
the answer with its headers. The stores are in-process and Redis.
"""
