"""Which entry of a virtual host a request is answered by, and what each entry asks of it.

Entries of a plan and requests enter; positions leave. Nothing here knows of Envoy.
"""
