"""The ADS server: snapshots enter, every connected node's stream is kept up with the latest.

Nodes are Envoys, extauthz or ratelimit; each role has snapshots and types of its own. `world`,
`node`, `subscription` and `stream` are pure: requests and snapshots in, pushes and verdicts out.
`wire` turns bytes into those values and back; `server` and `connection` are the sockets around.
"""

import os

# Read when grpc is imported. This process starts others (the proving Envoy) while gRPC's threads
# run, and its fork hooks crash such a child before it has become the other program: 5 of 1,200.
# Nothing here goes on working in a forked child, which is all that the hooks are for.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
