"""The identity of a route on its way to Envoy."""
