"""Which endpoint of a backend a request goes to."""
