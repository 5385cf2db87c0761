"""What every gRPC service shares: transport, the policy subscription, health, drain, metrics.

A `Service` enters (`service.py`): which resources it wants, and functions of bytes. A process that
serves it leaves. What the service decides is not known here.
"""
