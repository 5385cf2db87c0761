"""Answers and requests that go on as long as something moves."""
