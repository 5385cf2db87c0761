"""The plan: files put together, references and precedence resolved, placement decided.

Models of files enter; one ordered list of routes per virtual host, the backends and the mistakes
that files can only have together leave. A valid plan always compiles.
"""
