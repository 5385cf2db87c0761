"""What each resource says, read by ourselves: its faults, what it names, what its filters take.

A resource enters, with nothing else; facts leave. What they mean together, `soundness` says.
"""
