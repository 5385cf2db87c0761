"""What Envoy refuses stays behind alone: at its last good or closed, and the rest goes on.

A build, what was good before and the refused parts enter; a build to be proved again leaves.
"""
