"""What every gRPC service shares: transport, the policy subscription, health, drain, metrics.

A `Service` enters (`service.py`): which resources it wants, and functions of bytes. A process that
serves it leaves. What the service decides is not known here.

`subscription` and `bundle` are pure; `wire` turns bytes into their values and back; the rest are
the shells: `client` (xDS), `policyfile`, `lastgood`, `transport`, `health`, `admin`, and `run`,
which starts and ends them.
"""

import os

# Read when grpc is imported. Its fork hooks serve only a forked child that goes on using gRPC,
# which no part of Foregate does, and they crash children that start another program.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
