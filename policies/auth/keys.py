"""The keys of an issuer: which of them may be used, and whether a signature is theirs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from decision.ask import VerificationKey
from policies.auth.objects import JsonObject, MalformedObjectError, base64url, json_object

SET_BYTES = 1024 * 1024
SET_KEYS = 1000

RSA_BITS = range(2048, 8193)
"""RFC 7518 section 3.3 wants 2048; above 8192 one signature costs milliseconds."""
RSA_EXPONENTS = range(3, 2**32, 2)

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_ROCA_PRIMES = tuple(n for n in range(3, 168, 2) if all(n % p for p in range(3, n, 2)))


class MalformedKeysError(Exception):
    """Bytes that are not a JWK Set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A sound public key for one algorithm."""

    kid: str | None
    algorithm: str
    public: PublicKey

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        """Say whether the signature is this key's over these bytes."""
        return _FAMILIES[self.algorithm].verify(signed, self.public, signature)


def parse(jwks: bytes) -> tuple[Key, ...]:
    """Read a JWK Set (RFC 7517 section 5) and give the keys that may verify tokens.

    A key that is unsound, secret, for another use or of an unknown kind is left out, and the
    others stay. Raises MalformedKeysError for what is not a set.
    """
    if len(jwks) > SET_BYTES:
        raise MalformedKeysError("too large")
    try:
        entries = json_object(jwks).get("keys")
    except MalformedObjectError as error:
        raise MalformedKeysError(str(error)) from None
    if not isinstance(entries, list) or len(entries) > SET_KEYS:
        raise MalformedKeysError("no list of keys, or too many")
    objects = [entry for entry in entries if isinstance(entry, dict)]
    times = Counter(kid for o in objects if isinstance(kid := o.get("kid"), str))
    usable = (_key(o) for o in objects)
    return tuple(k for k in usable if k is not None and (k.kid is None or times[k.kid] == 1))


def chosen(
    keys: Sequence[VerificationKey], algorithm: str, kid: str | None
) -> VerificationKey | None:
    """Give the key that a token names, or the only one of its algorithm where it names none."""
    fitting = [k for k in keys if k.algorithm == algorithm and kid in (None, k.kid)]
    return fitting[0] if len(fitting) == 1 else None


def _key(jwk: JsonObject) -> Key | None:
    kid, kty, crv = jwk.get("kid"), jwk.get("kty"), jwk.get("crv")
    algorithm = next((a for a, f in _FAMILIES.items() if (f.kty, f.crv) == (kty, crv)), None)
    if algorithm is None or not _may_verify(jwk, algorithm) or any(m in jwk for m in _PRIVATE):
        return None
    if "kid" in jwk and (not isinstance(kid, str) or not kid):
        return None
    family = _FAMILIES[algorithm]
    try:
        for member in family.members:
            base64url(jwk[member].encode())
        public = family.read(jwk)
    except (ValueError, TypeError, KeyError, AttributeError, InvalidKeyError, UnsupportedAlgorithm):
        return None
    return Key(kid=kid, algorithm=algorithm, public=public) if family.sound(public) else None


def _may_verify(jwk: JsonObject, algorithm: str) -> bool:
    """RFC 7517 sections 4.2 to 4.4: what a key says that it is for binds us."""
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and jwk.get("alg", algorithm) == algorithm
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """The keys of one algorithm; `members` are base64url in a JWK."""

    kty: str
    crv: str | None
    members: tuple[str, ...]
    read: Callable[[JsonObject], Any]
    sound: Callable[[Any], bool]
    verify: Callable[[bytes, Any, bytes], bool]


def _sound_rsa(public: object) -> bool:
    if not isinstance(public, RSAPublicKey) or public.key_size not in RSA_BITS:
        return False
    numbers = public.public_numbers()
    return numbers.e in RSA_EXPONENTS and numbers.n % 2 == 1 and not _is_roca(numbers.n)


def _is_roca(modulus: int) -> bool:
    """Whether it was made by the library whose keys can be factored (CVE-2017-15361).

    Modulo each small prime such a modulus is a power of 65537; of sound ones 1 in 2^27 is.
    """
    return all(
        modulus % prime in {pow(65537, n, prime) for n in range(prime)} for prime in _ROCA_PRIMES
    )


def _sound_p256(public: object) -> bool:
    return isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1)


def _sound_ed25519(public: object) -> bool:
    return isinstance(public, Ed25519PublicKey)


_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)
_ES256 = ECAlgorithm(ECAlgorithm.SHA256, SECP256R1)
_EDDSA = OKPAlgorithm()

_FAMILIES: Mapping[str, _Family] = MappingProxyType(
    {
        "RS256": _Family(
            kty="RSA",
            crv=None,
            members=("n", "e"),
            read=RSAAlgorithm.from_jwk,
            sound=_sound_rsa,
            verify=_RS256.verify,
        ),
        "ES256": _Family(
            kty="EC",
            crv="P-256",
            members=("x", "y"),
            read=ECAlgorithm.from_jwk,
            sound=_sound_p256,
            verify=_ES256.verify,
        ),
        "EdDSA": _Family(
            kty="OKP",
            crv="Ed25519",
            members=("x",),
            read=OKPAlgorithm.from_jwk,
            sound=_sound_ed25519,
            verify=_EDDSA.verify,
        ),
    }
)
