"""Answer with a fixed status, body and headers."""
