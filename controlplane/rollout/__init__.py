"""A version on its way to everybody: first the services that judge by it, then every Envoy.

Builds enter, what became of them leaves. What is on offer, and what outlives the process, is here.
"""
