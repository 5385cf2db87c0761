"""A JSON Web Token, read strictly and judged by its claims; signatures are `keys`' business.

RFC 7519 with the restrictions of RFC 8725: whatever a lenient library would let pass (pyjwt takes
padding, members twice, any `typ`, absurd times) is refused before that library sees the token.
"""

from dataclasses import dataclass
from enum import Enum

from policies.auth.objects import JsonObject, MalformedObjectError, base64url, json_object
from policies.auth.pipeline import JwtIdentity

TOKEN_BYTES = 16 * 1024
SUBJECT_BYTES = 1024
KID_BYTES = 1024

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""The asymmetric algorithms that are spoken here (RFC 7518, RFC 8037), whatever a policy lists."""

TYPES = ("jwt", "at+jwt", "application/at+jwt")
"""What `typ` may say, ignoring case (RFC 9068 section 4); it may be absent."""

LAST_SECOND = 253_402_300_799
"""The end of the year 9999: a time after that is milliseconds, or absurd."""


class Flaw(Enum):
    """What is wrong with a token: a word for metrics, and a description for the client.

    Descriptions are fixed texts: nothing of a token is ever repeated (RFC 6750 section 3).
    """

    MALFORMED = ("malformed_token", "the token is malformed")
    ALGORITHM = ("wrong_algorithm", "the token's algorithm is not accepted")
    EXTENSION = ("unknown_extension", "the token needs an extension that is not supported")
    TYPE = ("wrong_type", "the token is of another type")
    ISSUER = ("wrong_issuer", "the token is of an issuer that is not accepted here")
    AUDIENCE = ("wrong_audience", "the token is for another audience")
    SUBJECT = ("no_subject", "the token names no subject")
    NO_EXPIRY = ("no_expiry", "the token does not say when it expires")
    TIME = ("wrong_time", "a time in the token is not one")
    EXPIRED = ("expired", "the token is expired")
    EARLY = ("not_yet_valid", "the token is not valid yet")
    BOUND = ("bound_token", "the token is bound to a proof that is not supported")
    KEY = ("unknown_key", "the token's key is unknown")
    SIGNATURE = ("wrong_signature", "the token's signature is wrong")

    def __init__(self, word: str, description: str) -> None:
        self.word = word
        self.description = description


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A well-formed token of which nothing is verified. `signed` is what `signature` is over."""

    header: JsonObject
    claims: JsonObject
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """The `alg` of the header, one of ALGORITHMS once `flaw` found none."""
        return str(self.header.get("alg"))

    @property
    def kid(self) -> str | None:
        """The name of the key that it was signed with, if it says so."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None

    @property
    def issuer(self) -> str | None:
        """The `iss` that it claims."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else None

    @property
    def subject(self) -> str:
        """The `sub` that it claims, not empty once `flaw` found none."""
        subject = self.claims.get("sub")
        return subject if isinstance(subject, str) else ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The `scope` that it claims, split at spaces (RFC 8693 section 4.2)."""
        scope = self.claims.get("scope")
        return tuple(s for s in scope.split(" ") if s) if isinstance(scope, str) else ()


def read(text: bytes) -> Token | Flaw:
    """Read a token in JWS compact serialization (RFC 7515 section 7.1)."""
    parts = text.split(b".", 3) if len(text) <= TOKEN_BYTES else []
    if len(parts) != 3 or not all(parts):
        return Flaw.MALFORMED
    try:
        return Token(
            header=json_object(base64url(parts[0])),
            claims=json_object(base64url(parts[1])),
            signed=parts[0] + b"." + parts[1],
            signature=base64url(parts[2]),
        )
    except MalformedObjectError:
        return Flaw.MALFORMED


def flaw(token: Token, identity: JwtIdentity, now: float) -> Flaw | None:
    """Find what keeps a token from being this identity's, but for its signature.

    `now` is in seconds since the epoch; the identity's leeway is granted on every time.
    """
    return (
        _flaw_of_header(token.header, identity)
        or _flaw_of_audience(token, identity)
        or _flaw_of_times(token.claims, identity.leeway, now)
        or _flaw_of_bearer(token)
    )


def _flaw_of_header(header: JsonObject, identity: JwtIdentity) -> Flaw | None:
    """RFC 7515 section 4.1. Keys that a token brings along (jwk, jku, x5c, x5u) are never read."""
    algorithm, kid, kind = header.get("alg"), header.get("kid", "-"), header.get("typ", "JWT")
    if algorithm not in ALGORITHMS or algorithm not in identity.algorithms:
        return Flaw.ALGORITHM
    if "crit" in header or "b64" in header:  # we understand no extension, so none may be critical
        return Flaw.EXTENSION
    if not isinstance(kind, str) or kind.lower() not in TYPES or "cty" in header:
        return Flaw.TYPE  # `cty` says that the content is a token of its own: nested
    if not isinstance(kid, str) or not 0 < len(kid.encode()) <= KID_BYTES:
        return Flaw.MALFORMED
    return None


def _flaw_of_audience(token: Token, identity: JwtIdentity) -> Flaw | None:
    """RFC 7519 sections 4.1.1 and 4.1.3: both compared exactly, case and all."""
    if token.issuer != identity.issuer:
        return Flaw.ISSUER
    audience = token.claims.get("aud")
    meant = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(name, str) for name in meant):
        return Flaw.AUDIENCE
    return None if set(meant) & set(identity.audience) else Flaw.AUDIENCE


def _flaw_of_times(claims: JsonObject, leeway: int, now: float) -> Flaw | None:
    """RFC 7519 sections 4.1.4 to 4.1.6: `exp` is required; nothing is issued in the future."""
    if "exp" not in claims:
        return Flaw.NO_EXPIRY
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if not all(_is_time(value) for value in times.values()):
        return Flaw.TIME
    if now >= times["exp"] + leeway:
        return Flaw.EXPIRED
    if any(now + leeway < times.get(name, 0) for name in ("nbf", "iat")):
        return Flaw.EARLY
    return None


def _flaw_of_bearer(token: Token) -> Flaw | None:
    """Whom it is about. One bound to a key (`cnf`, RFC 7800) is no bearer token."""
    if "cnf" in token.claims:
        return Flaw.BOUND
    if not 0 < len(token.subject.encode()) <= SUBJECT_BYTES:
        return Flaw.SUBJECT
    return None


def _is_time(value: object) -> bool:
    """Whether it is a NumericDate (RFC 7519 section 2) of our era; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= LAST_SECOND  # also false for what is no number, and for the infinite
