"""How a backend over TLS is verified, and what the gateway shows it."""
