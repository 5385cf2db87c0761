"""Whether another `auth` admits more, and what changes of consumers grant.

A pipeline is read as alternatives, each a set of identities that must all admit: `anyOf` has one
in each, `allOf` is a single one. It is weaker where an alternative holds no older one whole.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from policies.auth.consumers import Consumer, Key, api_keys
from policies.auth.pipeline import ApiKeyIdentity, Identity, JwtIdentity, Pipeline
from policies.contract import Names
from policies.guards import NamedChange, NamedStep, Weaker, WeakerStep

Alternative: TypeAlias = tuple[Identity, ...]


def _weaker(before: Pipeline | None, after: Pipeline | None) -> Iterator[Weaker]:
    if before is None:
        return
    if after is None:
        yield Weaker(what=f"nobody is asked any more, it was {_asked(before)}")
        return
    yield from _scopes(before, after)
    for header in sorted(set(before.strip) - set(after.strip)):
        yield Weaker(what=f"the backend sees a client's '{header}', which holds credentials")
    old = _alternatives(before)
    for one in _alternatives(after):
        kept = [past for past in old if _holds(one, past)]
        if not kept:
            yield from _admitted(one, old)
        elif all(list(_wider(past[0], one[0])) for past in kept):
            whose = f"'{one[0].name}', and was by '{kept[0][0].name}'"
            what = f"who asks, with which scopes, is said by {whose}"
            yield Weaker(what=what, comparable=False)


def _scopes(before: Pipeline, after: Pipeline) -> Iterator[Weaker]:
    lost = sorted(set(before.scopes) - set(after.scopes))
    if lost:
        yield Weaker(what=f"the scopes {', '.join(lost)} are not required any more")


def _alternatives(pipeline: Pipeline) -> tuple[Alternative, ...]:
    if pipeline.every:
        return (pipeline.identities,)
    return tuple((one,) for one in pipeline.identities)


def _holds(after: Alternative, before: Alternative) -> bool:
    """Whether each identity that had to admit still has to, in a form that admits no more."""
    return all(any(not list(_wider(old, new)) for new in after) for old in before)


def _admitted(after: Alternative, before: tuple[Alternative, ...]) -> Iterator[Weaker]:
    """Why an alternative holds none of the old ones: what widened, or who is new or gone."""
    names = {one.name for one in after}
    alike = [past for past in before if {one.name for one in past} <= names]
    if not alike:
        gone = {one.name for past in before for one in past} - names
        if all(len(past) > 1 for past in before) and gone:
            yield Weaker(what=f"{_all(after)} is enough, without {', '.join(sorted(gone))}")
        else:
            yield Weaker(what=f"{_all(after)} may admit too")
        return
    by_name = {one.name: one for one in after}
    for old in alike[0]:
        yield from _wider(old, by_name[old.name])


def _wider(before: Identity, after: Identity) -> Iterator[Weaker]:
    """Why the second admits a request that the first does not."""
    name = after.name
    if isinstance(before, ApiKeyIdentity) or isinstance(after, ApiKeyIdentity):
        if type(before) is not type(after):
            yield Weaker(what=f"'{name}' is another kind of identity", comparable=False)
        elif before.name != name:  # consumers' keys belong to an identity by its name
            yield Weaker(what=f"'{name}' may admit too")
    else:
        yield from _wider_tokens(before, after)
    if after.forward and not before.forward:
        yield Weaker(what=f"the backend sees the credential of '{name}'")


def _wider_tokens(before: JwtIdentity, after: JwtIdentity) -> Iterator[Weaker]:
    name = after.name
    if before.issuer != after.issuer:
        what = f"'{name}' trusts the issuer {after.issuer}, and trusted {before.issuer}"
        yield Weaker(what=what, comparable=False)
    elif before.keys != after.keys:
        what = f"the keys of '{name}' come from elsewhere: who may sign is another"
        yield Weaker(what=what, comparable=False)
    for what, old, new in (
        ("tokens for", before.audience, after.audience),
        ("tokens signed with", before.algorithms, after.algorithms),
    ):
        more = sorted(set(new) - set(old))
        if more:
            yield Weaker(what=f"'{name}' takes {what} {', '.join(more)} too")
    if after.leeway > before.leeway:
        what = f"'{name}' takes tokens that ended {after.leeway}s ago, it was {before.leeway}s"
        yield Weaker(what=what)


def _asked(pipeline: Pipeline) -> str:
    return (" and " if pipeline.every else " or ").join(one.name for one in pipeline.identities)


def _all(one: Alternative) -> str:
    return " and ".join(f"'{identity.name}'" for identity in one)


def _consumers(before: Names, after: Names) -> Iterator[NamedChange]:
    old, new = _holders(before), _holders(after)
    gone = {mark: name for mark, (name, _) in old.items() if mark not in new}
    for mark, (name, key) in new.items():
        if mark not in old:
            yield _taken(name, key, mark, gone)
            continue
        holder, past = old[mark]
        more = sorted(set(key.scopes) - set(past.scopes))
        if more:
            what = f"a key of '{name}' holds the scopes {', '.join(more)} too"
            yield NamedChange(name=name, what=what, weaker=True)
        if past.identity != key.identity:
            yield NamedChange(
                name=name, what=f"a key of '{name}' is taken by '{key.identity}'", weaker=True
            )
        if holder != name:
            what = f"a key of '{holder}' is the key of '{name}'"
            yield NamedChange(name=name, what=what, weaker=True)


def _taken(name: str, key: Key, mark: bytes | str, gone: Mapping[bytes | str, str]) -> NamedChange:
    """What a key means that nobody held; one that is not known here may be any that is gone."""
    unset = {one for one in (mark, *gone) if isinstance(one, str)}
    if unset and any(isinstance(one, str) != isinstance(mark, str) for one in gone):
        words = f"the secret {', '.join(sorted(unset))} is not set here"
        what = f"whose a key of '{name}' was cannot be compared: {words}"
        return NamedChange(name=name, what=what, weaker=True)
    taken = "another" if name in gone.values() else "taken"
    return NamedChange(name=name, what=f"a key of '{name}' is {taken}{_with(key.scopes)}")


def _with(scopes: Iterable[str]) -> str:
    listed = ", ".join(sorted(scopes))
    return f", with the scopes {listed}" if listed else ""


def _holders(names: Names) -> Mapping[bytes | str, tuple[str, Key]]:
    """The holder and settings of each key by its hash, or by the secret that is not set here."""
    consumers: Mapping[str, Consumer] = names["consumers"]
    only = next(iter(api_keys(names)), "")
    found: dict[bytes | str, tuple[str, Key]] = {}
    for name, consumer in sorted(consumers.items()):
        for _, key in consumer.held():
            mark = key.hash.unset if key.hash.sha256 is None else key.hash.sha256
            settled = Key(hash=key.hash, identity=key.identity or only, scopes=key.scopes)
            found[mark] = (name, settled)
    return found


WEAKER: Mapping[str, WeakerStep] = {"auth": _weaker}

NAMED: Mapping[str, NamedStep] = {"consumers": _consumers}
