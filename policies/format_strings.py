"""Texts in places where Envoy reads `%…%` as commands of its own."""


def literal(text: str) -> str:
    """Escape a text so that Envoy sends it as it is."""
    return text.replace("%", "%%")
