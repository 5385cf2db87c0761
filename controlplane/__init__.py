"""The control plane: YAML to model to plan to Envoy resources to xDS.

Files enter, a fleet of Envoys that serves them leaves. From source to snapshot, and in the
subscriptions, everything is a pure function over frozen data; sockets stand at the edges.
"""
