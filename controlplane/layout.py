"""Which table is which, by its name: one (`http`), or pages (`http/1a2b…`) and their dispatcher."""

from controlplane.compile.pages.names import DISPATCHER

TO_PAGE = "d-"
"""How the dispatcher's rules begin that name a page: what follows is its id."""


def base(name: str) -> str:
    """What the one table would be called of which a table holds a part; a plain one's own name."""
    return name.partition("/")[0]


def page(name: str) -> str:
    """The scope that leads to a table; empty for a plain one."""
    return name.partition("/")[2]


def dispatches(name: str) -> bool:
    """Whether a table says which page a request belongs to, and holds no route of a user."""
    return page(name) == DISPATCHER


def dispatcher(name: str) -> str:
    """The dispatcher's table, of the same listener as a page's."""
    return f"{base(name)}/{DISPATCHER}"
