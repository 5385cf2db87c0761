"""How much each caller may ask for: rates with bursts, counted over the fleet."""
