"""What the gateway does with one request, and why: routing once more, without an Envoy.

A plan and a request enter; what is told of it leaves. It is pure, and proved equal to Envoy.
"""
