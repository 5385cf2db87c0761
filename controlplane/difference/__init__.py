"""What a change means: who may pass that could not, who answers what, what drains.

Two builds enter; a `Difference` leaves, decided by requests and never by text.
"""
