"""Which pages may ask from a browser and read the answer: preflights, and headers on answers."""
