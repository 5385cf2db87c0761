"""The backends of a file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from controlplane.model.addresses import TLS, Address
from controlplane.model.gateway import Backend, Setting, Target
from controlplane.model.inherit import Entry, Inherited, settings_of, told
from controlplane.model.keys import backend_keys
from controlplane.model.levels import TARGET, mended, unfit_key
from language.decode import Decoder, Refused, blank, mistake_at, spot
from language.mistakes import Mistake
from language.nodes import MapNode, Node, Scalar
from language.scalars import Name
from policies.contract import BackendFacts, Fault

_TARGET: Decoder[Target] = Decoder(Target)
_NAME: Decoder[str] = Decoder(Name)


def read_backends(
    file: str, named: Mapping[str, tuple[Scalar, Node]], inherited: Inherited
) -> Iterator[Backend | Mistake]:
    """Each backend, or its mistakes."""
    for key, value in named.values():
        name = _NAME.decode(file, key, None)
        if isinstance(name, Refused):
            yield from name.mistakes
            continue
        if not blank(value):
            yield from _backend(file, key, value, inherited)


def _backend(
    file: str, key: Scalar, value: Node, inherited: Inherited
) -> Iterator[Backend | Mistake]:
    if isinstance(value, Scalar):
        url = Scalar("url", value.line, value.column, quoted=False)
        value = MapNode(((url, value),), value.line, value.column)
    if not isinstance(value, MapNode):
        hint = "write a URL, or url: and settings below it"
        yield mistake_at(file, value, "a backend is a URL or a mapping", hint)
        return
    known_keys = (*TARGET, *backend_keys())
    unknown = [name for name, _ in value.entries if name.text not in known_keys]
    for name in unknown:
        yield unfit_key(file, name, known_keys, here="a backend")
    value = mended(value, known_keys)
    own = tuple(e for e in value.entries if e[0].text in TARGET)
    target = _TARGET.decode(file, MapNode(own, value.line, value.column), key)
    faults: list[Mistake] = []
    base: Backend | None = None
    if isinstance(target, Refused):
        faults.extend(target.mistakes)
    else:
        faults.extend(_target_faults(file, key, value, target))
        base = None if faults else _made(file, key, target)
    settings: list[Setting] = []
    written = {k.text: (k, v) for k, v in value.entries if k.text in backend_keys()}
    known = None if base is None else facts(base)
    for found in settings_of(file, backend_keys(), inherited, written, known):
        if isinstance(found, Mistake):
            faults.append(found)
        else:
            settings.append(found)
    if base is not None and not faults:
        faults.extend(_unfit(file, key, facts(base), settings, written))
        faults.extend(_unserved(file, value, base, settings))
    yield from faults
    if base is not None and not faults and not unknown:
        yield replace(base, settings=tuple(settings))


def _target_faults(file: str, key: Scalar, node: MapNode, target: Target) -> Iterator[Mistake]:
    if node.key("url") is None and node.key("endpoints") is None:
        yield mistake_at(file, key, "a backend needs an address", "add url, or endpoints")
    if target.url is not None and target.endpoints:
        second = node.key("endpoints") or key
        yield mistake_at(file, second, "a backend has url or endpoints, not both", "keep one")
    if target.url is not None and target.protocol is not None:
        second = node.key("protocol") or key
        yield mistake_at(file, second, "the url says what it speaks", "leave protocol out")
    first = target.endpoints if target.url is None else (target.url.address,)
    for position, one in enumerate(target.failover):
        if one in first:
            found = spot(node, None, ("failover", position)).node
            message = f"'{one}' is one of the first endpoints already"
            yield mistake_at(file, found, message, "name another one, or leave it out")


def _unfit(
    file: str,
    key: Scalar,
    known: BackendFacts,
    settings: Sequence[Setting],
    written: Mapping[str, Entry],
) -> Iterator[Mistake]:
    """What this backend cannot have, or not beside its other settings."""
    others = {setting.key: setting.value for setting in settings}
    for setting in settings:
        for fault in backend_keys()[setting.key].unfit(setting.value, known, others):
            if setting.key in written:
                here = replace(fault, idle=False)
                mistake = told(file, written[setting.key], here, inherited=False)
                if mistake is not None:
                    yield mistake
            elif not fault.idle:
                yield _inherited(file, key, setting, fault)


def _inherited(file: str, key: Scalar, setting: Setting, fault: Fault) -> Mistake:
    """What is wrong with an inherited setting on this backend alone, told at the backend."""
    message = f"the inherited '{setting.key}': {fault.message}"
    mistake = mistake_at(file, key, message, fault.hint)
    told_as: Literal["error", "warning"] = "warning" if fault.warning else "error"
    return replace(mistake, severity=told_as, also=(setting.place,))


def _unserved(
    file: str, node: MapNode, backend: Backend, settings: Sequence[Setting]
) -> Iterator[Mistake]:
    """Keys of the address that need a setting beside them."""
    keys = backend_keys()
    failover, protocol = node.key("failover"), node.key("protocol")
    if failover is not None and not any(keys[one.key].takes_out for one in settings):
        message = "nothing says when the first endpoints are not well"
        yield mistake_at(file, failover, message, "add health, or outlierDetection")
    named = any(keys[one.key].verified(one.value) for one in settings)
    if node.key("url") is None and backend.protocol in TLS and not named:
        message = f"{backend.protocol} verifies a name, and endpoints have none"
        at = node.get("protocol") if protocol is not None else None
        hint = "add tls: {sni: NAME}, or write url in their place"
        yield mistake_at(file, at or backend.key, message, hint)


def _made(file: str, key: Scalar, target: Target) -> Backend:
    if target.url is not None:
        address = target.url.address
        protocol, authority = target.url.scheme, str(address)
        endpoints: tuple[Address, ...] = (address,)
    else:
        endpoints, protocol, authority = target.endpoints, target.protocol or "http", key.text
    return Backend(
        file=file,
        key=key,
        protocol=protocol,
        endpoints=endpoints,
        failover=target.failover,
        authority=authority,
        settings=(),
    )


def facts(backend: Backend) -> BackendFacts:
    """What policies may know of a backend."""
    return BackendFacts(
        authority=backend.authority,
        http2=backend.protocol in {"h2c", "grpc", "grpcs"},
        tls=backend.protocol in TLS,
        by_name=not by_address(backend),
        first=len(backend.endpoints),
        failover=len(backend.failover),
    )


def by_address(backend: Backend) -> bool:
    """Whether each of its endpoints is an address, so that no name is looked up."""
    return all(one.is_ip for one in (*backend.endpoints, *backend.failover))
