"""Answer with the address where to go instead."""
