"""A copy of each request to another backend."""
