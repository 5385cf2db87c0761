"""Change the path or the host that a backend sees."""
