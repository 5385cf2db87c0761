"""What it takes to read a strict file well: places, mistakes as values, units, the YAML reader.

Bytes enter; nodes with places, typed values and mistakes leave. No product knowledge.
"""
