"""The command: the composition root, and the only package that may import everything.

Words from a terminal enter; lines for it, exit codes and running gateways leave.
"""
