"""The typed model of one file: what stands in it, with `defaults` inherited.

A document with places enters; frozen dataclasses and mistakes leave. No other file is known here.
"""
