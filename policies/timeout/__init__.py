"""How long a whole answer may take."""
