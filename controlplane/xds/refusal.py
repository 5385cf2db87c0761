"""Whom a client's refusal blames, where its words name resources and Envoy is known to do so.

Envoy 1.40 says `Error adding/updating cluster(s) NAME: why, NAME: why`, the same of listeners,
and names scopes; its refusals of routes, endpoints, secrets and extensions name none.
"""

from collections.abc import Iterable

from controlplane.snapshot import CLUSTER, LISTENER

_BEGINS = {
    CLUSTER: "Error adding/updating cluster(s) ",
    LISTENER: "Error adding/updating listener(s) ",
}


def blamed(type_url: str, message: str, names: Iterable[str]) -> frozenset[str]:
    """Give those of the names that the message blames, empty when it cannot be told."""
    _, found, words = message.partition(_BEGINS.get(type_url, "\n"))
    if not found or type_url not in _BEGINS:
        return frozenset()
    starts = (" " + words).replace(",", " ").replace("\n", " ")
    return frozenset(name for name in names if name and f" {name}: " in starts)
