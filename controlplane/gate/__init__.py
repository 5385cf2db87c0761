"""The gate: nothing is sent to an Envoy that an Envoy has not accepted first.

A snapshot with its provenance enters; a verdict leaves: passed, refused with the lines that caused
it, or unproved with the reason why there is no answer. What proves is `envoy --mode validate`.
"""
