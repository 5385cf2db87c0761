"""Opaque ids of what answers: answers carry them, and operators look them up."""

import hashlib


def rule_id(kind: str, text: str) -> str:
    """The id of what is made of this: the same wherever and whenever it is compiled.

    Kinds are `r` (a route of the user's) and the gateway's own: `m` (a 405), `p` (preflights).
    """
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
