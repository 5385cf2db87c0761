"""Who may sign tokens by keys that stand in files beside those of the gateway."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controlplane.build import Build
from controlplane.difference.difference import ThingChange, ValueChange, Weakening
from controlplane.model.gateway import Named
from policies.auth.public_keys import wrong
from policies.auth.sources import KeySource, Origin

_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
"""What a key's thumbprint is made of (RFC 7638 section 3.2, RFC 8037 section 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A file of keys: where it was looked for, and its JWK Set; None where that is not known.

    `at` is empty for a version, which keeps none: it is served with what its path holds then.
    """

    at: str = ""
    jwks: bytes | None = None


NOT_KEPT = KeyFile()

KeyFiles = Mapping[str, KeyFile]
"""By the path that identities name."""


def signers(
    before: Build, after: Build, was: KeyFiles, now: KeyFiles
) -> Iterator[Weakening | ThingChange]:
    """What the files say of each source that both sides trust; another source is told of anyway."""
    trusted = set(before.key_sources) & set(after.key_sources)
    for source in sorted(trusted, key=lambda one: one.at):
        if source.origin is Origin.FILE:
            old, new = was.get(source.at, NOT_KEPT), now.get(source.at, NOT_KEPT)
            for name, named in _identities(after, source):
                yield from _told(name, named, old, new)


def _identities(build: Build, source: KeySource) -> Iterator[tuple[str, Named]]:
    named = build.plan.named["identities"] if build.plan else {}
    for name, one in sorted(named.items()):
        if one.value is not None and one.value.source() == source:
            yield name, one


def _told(name: str, named: Named, old: KeyFile, new: KeyFile) -> Iterator[Weakening | ThingChange]:
    if old.at == new.at:  # one file, or what two versions are served with: the same for both
        return
    if old.jwks is None or new.jwks is None:
        yield _changed(name, named, _count(old), _count(new))
        if old.at and new.at and old.jwks != new.jwks:
            what = f"the keys of '{name}' are not known on both sides: who may sign is not"
            yield _weaker(what, named, comparable=False)
        return
    past, keys = _keys(old.jwks), _keys(new.jwks)
    if past != keys:
        yield _changed(name, named, ", ".join(past.values()), ", ".join(keys.values()))
    more = ", ".join(said for mark, said in keys.items() if mark not in past)
    if more:
        yield _weaker(f"tokens of '{name}' may be signed with {more} too", named)


def _keys(jwks: bytes) -> dict[str, str]:
    """What each key that may sign is called by its thumbprint: so much of that, and its kid."""
    keys = json.loads(jwks)["keys"]
    times = Counter(key["kid"] for key in keys if "kid" in key)
    found: dict[str, str] = {}
    for key in keys:
        if wrong(key) is not None or times.get(key.get("kid"), 1) > 1:  # no token is taken by it
            continue
        text = json.dumps({m: key[m] for m in _MEMBERS[key["kty"]]}, separators=(",", ":"))
        mark = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        kid = f" ({key['kid']})" if "kid" in key else ""
        found[mark] = f"the key {mark[:12]}{kid}"
    return found


def _count(file: KeyFile) -> str:
    return "not known" if file.jwks is None else ", ".join(_keys(file.jwks).values()) or "no key"


def _changed(name: str, named: Named, old: str, new: str) -> ThingChange:
    return ThingChange(
        kind="changed",
        group="identities",
        name=name,
        before=None,
        after=named.place,
        values=(ValueChange(key="keys", before=old, after=new),),
    )


def _weaker(what: str, named: Named, *, comparable: bool = True) -> Weakening:
    return Weakening(
        key="identities", what=what, comparable=comparable, handovers=(), places=(named.place,)
    )
