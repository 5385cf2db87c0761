"""The project's own upkeep: stubs, generated files, the lock. No run-time code imports it."""
