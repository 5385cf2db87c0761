"""From a plan to Envoy's resources, with the lines that each part of them comes from.

A valid plan enters; a snapshot and its provenance leave. Nothing here can fail for what a user
wrote: that was said before.
"""
