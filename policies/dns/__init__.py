"""How the endpoints of a backend are found that has a name."""
