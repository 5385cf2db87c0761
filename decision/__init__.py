"""What a decision is made of: requests, principals, verdicts, and the protocols of the shells.

Frozen values and small protocols only; nothing is decided here, and nothing does I/O.
"""
