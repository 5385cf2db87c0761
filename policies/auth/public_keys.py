"""What a public key that stands in a file is for, and what is wrong with it, without cryptography.

Whoever verifies tokens judges again (`keys`); here a key that it would leave out gets its line.
"""

from collections.abc import Mapping

from policies.auth.objects import MalformedObjectError, base64url

ALGORITHM = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
"""What a key signs with, by its kty and crv."""

MEMBERS = {"RS256": ("n", "e"), "ES256": ("x", "y"), "EdDSA": ("x",)}

RSA_BITS = range(2048, 8193)
_RSA_EXPONENTS = range(3, 2**32, 2)
_BYTES = 32
"""What a coordinate of P-256 and a key of Ed25519 take."""

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
"""The curve P-256 (FIPS 186-5): y^2 = x^3 - 3x + b modulo p."""


def algorithm(jwk: Mapping[str, object]) -> str | None:
    """The algorithm of a key's kind, None for kinds that sign no token here."""
    kind = (str(jwk.get("kty")), None if jwk.get("kty") == "RSA" else jwk.get("crv"))
    return next((a for known, a in ALGORITHM.items() if known == kind), None)


def wrong(jwk: Mapping[str, object]) -> str | None:
    """Say why no token can be verified with a key that has its members, None where one can."""
    signs = algorithm(jwk)
    if signs is None:
        return f"its curve is {jwk.get('crv')}, and P-256 and Ed25519 are taken"
    if jwk.get("use", "sig") != "sig" or "verify" not in _listed(jwk.get("key_ops", ["verify"])):
        return "it is not for signatures"
    if jwk.get("alg", signs) != signs:
        return f"its alg is another than {signs}"
    if "kid" in jwk and (not isinstance(jwk["kid"], str) or not jwk["kid"]):
        return "its kid is no text"
    try:
        members = [base64url(str(jwk[name]).encode()) for name in MEMBERS[signs]]
    except MalformedObjectError:
        return "its members are not base64url without padding"
    return _no_rsa(*members) if signs == "RS256" else _no_point(members)


def _no_rsa(n: bytes, e: bytes) -> str | None:
    modulus = int.from_bytes(n)
    if modulus.bit_length() not in RSA_BITS:
        return f"its modulus has {modulus.bit_length()} bits, and 2048 to 8192 are taken"
    sound = modulus % 2 and int.from_bytes(e) in _RSA_EXPONENTS
    return None if sound else "its numbers are no RSA key"


def _no_point(coordinates: list[bytes]) -> str | None:
    if any(len(one) != _BYTES for one in coordinates):
        return f"its coordinates are not {_BYTES} bytes long"
    if len(coordinates) == 1:
        return None
    x, y = map(int.from_bytes, coordinates)
    on_it = x < _P and y < _P and (y * y - x**3 + 3 * x - _B) % _P == 0
    return None if on_it else "its coordinates are no point of P-256"


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
