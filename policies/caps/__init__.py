"""Bounds on what a backend is asked to carry at once."""
