"""`foregate dev`: a file becomes a live gateway on this machine, and follows each save.

Options enter; one process tree lives until Ctrl-C: an Envoy, the control plane in this process,
and a demo upstream for backends that nobody serves. An exit code leaves, and nothing is left over.
"""
