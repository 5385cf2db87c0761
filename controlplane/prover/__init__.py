"""The prover: a warm Envoy of our own, fed over xDS, that is asked what the fleet's would say.

A snapshot enters; what Envoy said of it leaves, or why there is no answer. It runs in a network
namespace of its own where the system allows that, and gets a stripped copy where it does not.
"""
