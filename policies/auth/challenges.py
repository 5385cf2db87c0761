"""What WWW-Authenticate says (RFC 9110 section 11.6.1): what a route takes, or what was wrong.

Only settings and fixed texts get in, nothing of a request.
"""

import re
from collections.abc import Iterable

from policies.auth.pipeline import ApiKeyIdentity, Identity
from policies.auth.token import Flaw

REALM = "foregate"

_QUOTED = re.compile(r'["\\]')
_NOT_VISIBLE = re.compile(r"[^ -~]")


def wanted(identity: Identity) -> str:
    """The challenge where the identity's credential is missing: no error (RFC 6750 section 3.1)."""
    if isinstance(identity, ApiKeyIdentity):
        return _challenge("ApiKey", realm=REALM, header=identity.header)
    return _challenge("Bearer", realm=REALM)


def invalid_token(flaw: Flaw) -> str:
    """The challenge where a token was refused."""
    description = flaw.description
    return _challenge("Bearer", realm=REALM, error="invalid_token", error_description=description)


def invalid_key(identity: ApiKeyIdentity) -> str:
    """The challenge where nobody holds an API key. The scheme is ours: no RFC has one."""
    return _challenge("ApiKey", realm=REALM, header=identity.header, error="invalid_key")


def insufficient_scope(identity: Identity, scopes: Iterable[str]) -> str:
    """The challenge where who was admitted may not do this; `scopes` are all that are required."""
    scheme = "ApiKey" if isinstance(identity, ApiKeyIdentity) else "Bearer"
    return _challenge(scheme, error="insufficient_scope", scope=" ".join(scopes))


def _challenge(scheme: str, **parameters: str) -> str:
    return f"{scheme} " + ", ".join(f'{name}="{_quoted(v)}"' for name, v in parameters.items())


def _quoted(value: str) -> str:
    """A quoted-string (RFC 9110 section 5.6.4); what cannot stand in a header is left out."""
    return _QUOTED.sub(r"\\\g<0>", _NOT_VISIBLE.sub("", value))
