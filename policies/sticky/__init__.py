"""The same user on the same side of weights."""
