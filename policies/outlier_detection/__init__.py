"""Take out an endpoint that keeps failing."""
