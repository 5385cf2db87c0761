"""What the scopes and tables of pages are called."""

import hashlib

SCOPES = "http"
DISPATCHER = "_d"
"""The scope of the dispatcher; a page's is its id."""

NOT_FOUND = "h-404"
"""The rule of what no route takes."""


def table_name(scope: str) -> str:
    """The route table of a scope."""
    return f"{SCOPES}/{scope}"


def page_id(domains: tuple[str, ...], prefix: str, carved: tuple[str, ...]) -> str:
    """The id of a page: of what it is responsible for, and not of what its routes say.

    So a route that changes is a change of one table; other regions are other pages beside it.
    """
    return hashlib.sha256(repr((domains, prefix, carved)).encode()).hexdigest()[:10]
