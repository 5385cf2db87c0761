"""XXH64: the hash by which Envoy chooses (github.com/Cyan4973/xxHash, its spec)."""

_MASK = (1 << 64) - 1
_ONE, _TWO, _THREE, _FOUR, _FIVE = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)
_STRIPE = 32  # bytes: a word of 8 for each of the four lanes


def xxhash64(data: bytes, seed: int = 0) -> int:
    """The hash of some bytes; the seed has 64 bits, as the hash."""
    whole = len(data) - len(data) % _STRIPE
    out = _stripes(data[:whole], seed) if whole else seed + _FIVE
    out = (out + len(data)) & _MASK
    rest = data[whole:]
    while len(rest) >= 8:  # bytes of a word
        word, rest = rest[:8], rest[8:]
        out = (_rotated(out ^ _round(0, word), 27) * _ONE + _FOUR) & _MASK
    if len(rest) >= 4:  # bytes of half a word
        half, rest = int.from_bytes(rest[:4], "little"), rest[4:]
        out = (_rotated(out ^ (half * _ONE & _MASK), 23) * _TWO + _THREE) & _MASK
    for byte in rest:
        out = _rotated(out ^ (byte * _FIVE & _MASK), 11) * _ONE & _MASK
    out = (out ^ out >> 33) * _TWO & _MASK
    out = (out ^ out >> 29) * _THREE & _MASK
    return out ^ out >> 32


def _stripes(data: bytes, seed: int) -> int:
    """Four lanes, merged."""
    lanes = [one & _MASK for one in (seed + _ONE + _TWO, seed + _TWO, seed, seed - _ONE)]
    for start in range(0, len(data), 8):
        lane = start // 8 % 4
        lanes[lane] = _round(lanes[lane], data[start : start + 8])
    out = sum(_rotated(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
    for lane in lanes:
        merged = _round(0, lane.to_bytes(8, "little"))
        out = ((out ^ merged) * _ONE + _FOUR) & _MASK
    return out


def _round(lane: int, word: bytes) -> int:
    mixed = (lane + int.from_bytes(word, "little") * _TWO) & _MASK
    return _rotated(mixed, 31) * _ONE & _MASK


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _MASK
